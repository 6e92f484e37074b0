package collect

import (
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// TestHandshakesAreToldByListener counts handshakes as a proxy does, in all ways that
// they end, beside requests to the same listener.
func TestHandshakesAreToldByListener(t *testing.T) {
	g := newGateway(t, 0)
	g.tables.Series = []probe.Series{
		series(1, "a"),
		{ID: 2, Listener: "web", Kind: probe.KindHandshakes},
		{ID: 3, Listener: "mail", Kind: probe.KindHandshakes},
	}
	g.replace()
	count := func(series uint32, how probe.Handshake, n uint64) {
		g.requests.count(how.Record(series, 3*time.Millisecond), n)
	}
	g.requests.count(probe.Record{Series: 1, Status: 200, Duration: 1e9}, 4)
	count(2, probe.HandshakeMade, 7)
	count(2, probe.HandshakeAlert, 2)
	count(2, 77, 1) // of a proxy that knows more
	count(3, probe.HandshakeTimeout, 1)
	count(3, probe.HandshakeLeft, 1)
	compare(t, g.Collector, `
fleetgate_tls_handshake_failures_total{listener="web",reason="client_alert"} 2
fleetgate_tls_handshake_failures_total{listener="web",reason="refused"} 1
fleetgate_tls_handshake_failures_total{listener="mail",reason="timeout"} 1
fleetgate_tls_handshake_failures_total{listener="mail",reason="client_left"} 1
fleetgate_requests_total{code="200",listener="web",method="other",protocol="h1",route="shop/a",rule="0"} 4
`, "fleetgate_tls_handshake_failures_total", "fleetgate_requests_total")
	sums := g.increases(DefaultMaxSeries)
	g.want(sums, "tls_handshake_duration_seconds_count", 7)
	g.want(sums, "request_duration_seconds_count", 4)
	// The listener's name stays though no port is known of it, and what is counted
	// goes on.
	g.now = g.now.Add(time.Minute)
	g.replace()
	count(2, probe.HandshakeMade, 1)
	g.want(g.increases(DefaultMaxSeries), "tls_handshake_duration_seconds_count", 1)
}
