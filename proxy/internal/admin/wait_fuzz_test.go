package admin

import (
	"math/big"
	"regexp"
	"testing"
	"time"
)

var seconds = regexp.MustCompile(`^[0-9]+$`)

// FuzzWait reads any parameter "wait": a number of seconds, of which there are
// never more than the longest wait.
func FuzzWait(f *testing.F) {
	for _, s := range []string{"", "0", "30", "2147483647", "2147483648", "-1", "+1", "1s", " 1", "007", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseWait(s)
		n, ok := new(big.Int).SetString(s, 10)
		ok = ok && seconds.MatchString(s) && n.BitLen() <= 31 || s == ""
		if ok != (err == nil) {
			t.Fatalf("%q: %v", s, err)
		}
		if err != nil || s == "" {
			return
		}
		if want := min(maxWait, time.Duration(n.Int64())*time.Second); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	})
}
