package graph

import gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

// The kinds of routes that HTTP and HTTPS listeners take.
const (
	KindHTTPRoute = "HTTPRoute"
	KindGRPCRoute = "GRPCRoute"
)

// protocol is what the graph has to know of a listener's protocol. A new one
// is a new case of protocolOf.
type protocol struct {
	// kinds are those of the routes that can attach, in the order in which the
	// listener's status lists them.
	kinds []gatewayv1.Kind
	// terminates says that the listener needs certificates.
	terminates bool
	// byHostname says that listeners of this protocol can share a port when
	// their hostnames differ.
	byHostname bool
}

func protocolOf(p gatewayv1.ProtocolType) (protocol, bool) {
	switch p {
	case gatewayv1.HTTPProtocolType:
		return protocol{kinds: []gatewayv1.Kind{KindHTTPRoute, KindGRPCRoute}, byHostname: true}, true
	case gatewayv1.HTTPSProtocolType:
		return protocol{kinds: []gatewayv1.Kind{KindHTTPRoute, KindGRPCRoute}, byHostname: true, terminates: true}, true
	}
	return protocol{}, false
}
