package balance

import (
	"errors"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestHostnameProblems(t *testing.T) {
	const name = "api.example.net"
	gone := &net.DNSError{Err: "no such host", Name: name, Server: "10.96.0.10:53", IsNotFound: true}
	late := &net.DNSError{Err: "read udp 10.0.0.5:39123->10.96.0.10:53: i/o timeout", Name: name, IsTimeout: true}
	problem := func(reason string, stale bool) []proxyconfig.HostnameProblem {
		return []proxyconfig.HostnameProblem{{Hostname: name, Port: 443, Reason: reason, Stale: stale}}
	}
	type answers struct {
		addresses string
		err       error
		times     int
	}
	tests := []struct {
		name string
		all  []answers
		want []proxyconfig.HostnameProblem
	}{
		{"before any answer", nil, nil},
		{"well", []answers{{"192.0.2.9", nil, 9}}, nil},
		{"not for long", []answers{{"", gone, lastingFailures - 1}}, nil},
		{"never there", []answers{{"", gone, lastingFailures}}, problem(proxyconfig.HostnameNotFound, false)},
		{"there once", []answers{{"192.0.2.9", nil, 1}, {"", gone, lastingFailures}}, problem(proxyconfig.HostnameNotFound, true)},
		{"nobody answers", []answers{{"", late, lastingFailures}}, problem(proxyconfig.HostnameNoAnswer, false)},
		{"another kind of error", []answers{{"", errors.New("no"), lastingFailures}}, problem(proxyconfig.HostnameNoAnswer, false)},
		{"forbidden everywhere", []answers{{"127.0.0.1 169.254.169.254", nil, lastingFailures}}, problem(proxyconfig.HostnameForbidden, false)},
		{"forbidden since lately", []answers{{"192.0.2.9", nil, 1}, {"127.0.0.1", nil, lastingFailures}}, problem(proxyconfig.HostnameForbidden, true)},
		{"forbidden to this backend", []answers{{"192.0.2.1", nil, 1}}, problem(proxyconfig.HostnameForbidden, false)},
		{"forbidden in part", []answers{{"192.0.2.1 192.0.2.9", nil, 1}}, nil},
		{"again well", []answers{{"", gone, lastingFailures}, {"192.0.2.9", nil, 1}}, nil},
		{"now and then", []answers{{"", gone, lastingFailures - 1}, {"192.0.2.9", nil, 1}, {"", gone, lastingFailures - 1}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewRegistry(Options{})
			commit(r, external("a", name, "192.0.2.1:443"), external("b", name, "192.0.2.1:443"))
			for _, answer := range tt.all {
				for range answer.times {
					r.Resolved(name, ips(answer.addresses), answer.err)
				}
			}
			if diff := cmp.Diff(tt.want, r.HostnameProblems()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			commit(r)
			if got := r.HostnameProblems(); len(got) > 0 {
				t.Errorf("without backends: %v", got)
			}
		})
	}
}
