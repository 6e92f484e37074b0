package procnet

import (
	"os"
	"path/filepath"
	"testing"
)

const snmp = `Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 24 20 4 10 3 900 910 24 0 9 0
`

const netstat = `TcpExt: SyncookiesSent ListenOverflows ListenDrops
TcpExt: 0 7 8
`

func TestRead(t *testing.T) {
	full := Counters{
		ActiveOpens: 24, PassiveOpens: 20, AttemptFails: 4, EstabResets: 10,
		CurrEstab: 3, RetransSegs: 24, OutRsts: 9, ListenOverflows: 7,
	}
	tests := []struct {
		name          string
		snmp, netstat string
		want          Counters
		ok            bool
	}{
		{"what the kernel writes", snmp, netstat, full, true},
		{"nothing", "", "", Counters{}, true},
		{"names without values", "Tcp: ActiveOpens\n", netstat, Counters{}, false},
		{"a value too few", "Tcp: ActiveOpens PassiveOpens\nTcp: 1\n", netstat, Counters{}, false},
		{"values of another group", "Tcp: ActiveOpens\nUdp: 1\n", netstat, Counters{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"snmp": tt.snmp, "netstat": tt.netstat} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Read(dir)
			if got != tt.want || (err == nil) != tt.ok {
				t.Errorf("got %+v, %v; want %+v, ok %v", got, err, tt.want, tt.ok)
			}
		})
	}
}

func TestReadOwn(t *testing.T) {
	if _, err := Read("/proc/self/net"); err != nil {
		t.Errorf("own network namespace: %v", err)
	}
}
