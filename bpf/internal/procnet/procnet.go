package procnet

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Counters are those of the current network namespace since it was made.
type Counters struct {
	ActiveOpens, PassiveOpens uint64
	AttemptFails              uint64
	EstabResets               uint64
	CurrEstab                 uint64
	RetransSegs               uint64
	OutRsts                   uint64
	ListenOverflows           uint64
}

// Read reads the counters below a folder such as /proc/self/net.
func Read(dir string) (Counters, error) {
	values := map[string]uint64{}
	for _, name := range []string{"snmp", "netstat"} {
		file, err := os.Open(dir + "/" + name)
		if err != nil {
			return Counters{}, fmt.Errorf("reading the kernel's counters: %w", err)
		}
		err = parse(file, values)
		file.Close()
		if err != nil {
			return Counters{}, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return Counters{
		ActiveOpens:     values["Tcp.ActiveOpens"],
		PassiveOpens:    values["Tcp.PassiveOpens"],
		AttemptFails:    values["Tcp.AttemptFails"],
		EstabResets:     values["Tcp.EstabResets"],
		CurrEstab:       values["Tcp.CurrEstab"],
		RetransSegs:     values["Tcp.RetransSegs"],
		OutRsts:         values["Tcp.OutRsts"],
		ListenOverflows: values["TcpExt.ListenOverflows"],
	}, nil
}

// parse reads pairs of lines, the first with names and the second with values:
//
//	Tcp: RtoAlgorithm RtoMin ...
//	Tcp: 1 200 ...
func parse(r io.Reader, values map[string]uint64) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		names := strings.Fields(lines.Text())
		if !lines.Scan() {
			return fmt.Errorf("names without values: %w", io.ErrUnexpectedEOF)
		}
		numbers := strings.Fields(lines.Text())
		if len(names) == 0 || len(numbers) != len(names) || names[0] != numbers[0] {
			return fmt.Errorf("%q does not go with %q", lines.Text(), names)
		}
		group := strings.TrimSuffix(names[0], ":")
		for i := 1; i < len(names); i++ {
			// Some values are negative by intent, such as MaxConn.
			if n, err := strconv.ParseUint(numbers[i], 10, 64); err == nil {
				values[group+"."+names[i]] = n
			}
		}
	}
	return lines.Err()
}
