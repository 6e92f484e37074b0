package balance

import (
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// Who probes endpoints connects with them: one of datagrams has its ejection end
// by another session, and that at once.
func TestDatagramsWaitForNoProbe(t *testing.T) {
	check := &proxyconfig.HealthCheck{Type: proxyconfig.CheckHTTP, Port: 8081}
	for _, tt := range []struct {
		name, protocol string
		check          *proxyconfig.HealthCheck
		want           int
	}{
		{"TCP", proxyconfig.BackendTCP, nil, 0},
		{"UDP", proxyconfig.BackendUDP, nil, 1},
		{"UDP with a check", proxyconfig.BackendUDP, check, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := NewRegistry(Options{})
			_, stop := r.StartProbing()
			defer stop()
			b := backend("a", addresses(2))
			b.Protocol, b.Policy = tt.protocol, &proxyconfig.Policy{Check: tt.check}
			ch := r.Prepare([]*proxyconfig.Backend{b})
			ch.Commit()
			c := ch.Cluster("a")
			bad := find(t, c, "10.0.0.1")
			bad.Failed(1)
			if got := shares(t, c, 1+second, 100)[bad]; got != tt.want {
				t.Errorf("%d sessions after the ejection, want %d", got, tt.want)
			}
		})
	}
}
