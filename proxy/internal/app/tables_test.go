package app

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

func TestTables(t *testing.T) {
	endpoint := func(a string) proxyconfig.Endpoint { return proxyconfig.Endpoint{Address: a, Port: 8080} }
	s, _ := snapshot.Compile(snapshot.Input{
		Document: &proxyconfig.Document{},
		Registry: balance.NewRegistry(balance.Options{}),
		Config: &proxyconfig.Config{
			Listeners: []proxyconfig.Listener{{Name: "http", Port: 80, Protocol: proxyconfig.HTTP}},
			Routes: []proxyconfig.Route{{Kind: "HTTPRoute", Namespace: "ns", Name: "r", Rules: []proxyconfig.Rule{{Name: "first"}, {}},
				Attachments: []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{""}}}}},
			Backends: []proxyconfig.Backend{
				{ID: "a", Namespace: "ns", Service: "a", Port: 80, Protocol: "http", Endpoints: []proxyconfig.Endpoint{endpoint("10.0.0.1"), endpoint("nonsense")}},
				{ID: "odd", Namespace: "ns", Service: "odd", Port: 80, Protocol: "unknown", Endpoints: []proxyconfig.Endpoint{endpoint("10.0.0.9")}},
				{ID: "b", Namespace: "ns", Service: "b", Port: 81, Protocol: "http", Endpoints: []proxyconfig.Endpoint{endpoint("10.0.0.1"), endpoint("fd00::1")}},
			},
		},
	})
	want := &probev1.Tables{
		Series: []probev1.Series{
			{ID: 1, Listener: "http", Kind: "HTTPRoute", Namespace: "ns", Name: "r", Rule: "first"},
			{ID: 2, Listener: "http", Kind: "HTTPRoute", Namespace: "ns", Name: "r", Rule: "1"},
		},
		Backends: []probev1.Backend{{ID: 1, Namespace: "ns", Service: "a", Port: 80}, {ID: 2, Namespace: "ns", Service: "b", Port: 81}},
		Endpoints: []probev1.Endpoint{
			{Address: netip.MustParseAddrPort("10.0.0.1:8080"), Backend: 1},
			{Address: netip.MustParseAddrPort("[fd00::1]:8080"), Backend: 2},
		},
		Ports: []probev1.Port{{Number: 80, Listener: "http"}},
	}
	if diff := cmp.Diff(want, tables(s), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}
