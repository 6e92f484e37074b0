package procnet

import (
	"maps"
	"math/big"
	"regexp"
	"strings"
	"testing"
)

// FuzzParse compares the counters with those that a plain look through the lines
// finds: what is read is there, and nothing is left out.
func FuzzParse(f *testing.F) {
	f.Add(snmp)
	f.Add(netstat)
	f.Add("Tcp: A A\nTcp: 1 2\nTcp: A\nTcp: -1\n")
	f.Add("A\nA\n\n\n")
	f.Add("A: B C\r\nA: 18446744073709551615 18446744073709551616\r\n")
	f.Fuzz(func(t *testing.T, in string) {
		got := map[string]uint64{}
		if err := parse(strings.NewReader(in), got); err != nil {
			return
		}
		want := map[string]uint64{}
		lines := strings.Split(strings.TrimSuffix(in, "\n"), "\n")
		for i := 0; i+1 < len(lines); i += 2 {
			names, numbers := strings.Fields(lines[i]), strings.Fields(lines[i+1])
			if len(names) == 0 || len(names) != len(numbers) || names[0] != numbers[0] {
				t.Fatalf("%q was taken", in)
			}
			for j, name := range names[1:] {
				if n, ok := number(numbers[j+1]); ok {
					want[strings.TrimSuffix(names[0], ":")+"."+name] = n
				}
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", in, got, want)
		}
	})
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// number reads a number of at most 64 bits that has no sign.
func number(s string) (uint64, bool) {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || !digits.MatchString(s) || !n.IsUint64() {
		return 0, false
	}
	return n.Uint64(), true
}
