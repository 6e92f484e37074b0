package edge

import (
	"net/netip"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// To is a configuration with one listener, "http" on a port to be chosen, whose
// only route takes every request to the endpoints. They are IP address and
// port; anything else is a broken test, and panics.
func To(endpoints ...string) *proxyconfig.Config {
	b := proxyconfig.Backend{ID: "edge/app:80", Namespace: "edge", Service: "app", Port: 80, Protocol: "http"}
	for _, e := range endpoints {
		at := netip.MustParseAddrPort(e)
		b.Endpoints = append(b.Endpoints, proxyconfig.Endpoint{Address: at.Addr().String(), Port: int32(at.Port())})
	}
	return &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{{Name: "http", Protocol: proxyconfig.HTTP}},
		Backends:  []proxyconfig.Backend{b},
		Routes: []proxyconfig.Route{{
			Kind: "HTTPRoute", Namespace: "edge", Name: "all", CreatedAt: 1,
			Attachments: []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{""}}},
			Rules:       []proxyconfig.Rule{{Backends: []proxyconfig.BackendRef{{Backend: b.ID, Weight: 1}}}},
		}},
	}
}
