package app

import (
	"net/netip"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/otlp/otlptest"
)

// What waits to be sent is sent while the proxy stops.
func TestSpansAreSentBeforeTheEnd(t *testing.T) {
	collector := otlptest.New(t)
	at := netip.MustParseAddrPort(collector.Addr())
	i := newInstance(t)
	c := i.sending(map[string]int32{backend(t, "one"): 1})
	c.Backends = append(c.Backends, proxyconfig.Backend{
		ID: "mon/collector:4317", Namespace: "mon", Service: "collector", Port: 4317, Protocol: proxyconfig.BackendHTTP2,
		Endpoints: []proxyconfig.Endpoint{{Address: at.Addr().String(), Port: int32(at.Port())}},
	})
	c.Tracing = &proxyconfig.Tracing{
		Collector: "mon/collector:4317", Authority: "collector.mon", ServiceName: "edge",
		Sampling: proxyconfig.Fraction{Numerator: 1, Denominator: 1},
	}
	i.replace(i.encode(1, c))
	i.start()
	i.await(i.url(), "one")
	collector.Await(t, 2)
	i.await(i.health+"/metrics", "fleetgate_proxy_spans_exported_total 2")
	i.get(i.url() + "last")
	i.stop()
	spans := collector.Spans()
	if len(spans) != 4 {
		t.Fatalf("got %d spans", len(spans))
	}
	if got := spans[0].Resource["service.instance.id"]; got == nil || got == "" {
		t.Error("nobody knows which proxy they are of")
	}
}
