package graph

import gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

// The kinds of routes.
const (
	KindHTTPRoute = "HTTPRoute"
	KindGRPCRoute = "GRPCRoute"
	KindTCPRoute  = "TCPRoute"
	KindTLSRoute  = "TLSRoute"
	KindUDPRoute  = "UDPRoute"
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
	// secure says that clients speak TLS, and name the server in it. All secure
	// protocols can share a port with each other.
	secure bool
	// datagrams says that the port is one of UDP, and not of TCP.
	datagrams bool
}

func protocolOf(l *gatewayv1.Listener) (protocol, bool) {
	switch l.Protocol {
	case gatewayv1.HTTPProtocolType:
		return protocol{kinds: []gatewayv1.Kind{KindHTTPRoute, KindGRPCRoute}, byHostname: true}, true
	case gatewayv1.HTTPSProtocolType:
		return protocol{kinds: []gatewayv1.Kind{KindHTTPRoute, KindGRPCRoute}, byHostname: true, terminates: true, secure: true}, true
	case gatewayv1.TLSProtocolType:
		return tlsProtocol(l), true
	case gatewayv1.TCPProtocolType:
		return protocol{kinds: []gatewayv1.Kind{KindTCPRoute}}, true
	case gatewayv1.UDPProtocolType:
		return protocol{kinds: []gatewayv1.Kind{KindUDPRoute}, datagrams: true}, true
	}
	return protocol{}, false
}

func tlsProtocol(l *gatewayv1.Listener) protocol {
	if tlsMode(l) == gatewayv1.TLSModePassthrough {
		return protocol{kinds: []gatewayv1.Kind{KindTLSRoute}, byHostname: true, secure: true}
	}
	return protocol{kinds: []gatewayv1.Kind{KindTLSRoute, KindTCPRoute}, byHostname: true, terminates: true, secure: true}
}

// passesThrough says whether clients do TLS with the backends.
func (l *Listener) passesThrough() bool {
	return l.Source.Protocol == gatewayv1.TLSProtocolType && tlsMode(l.Source) == gatewayv1.TLSModePassthrough
}

func tlsMode(l *gatewayv1.Listener) gatewayv1.TLSModeType {
	if l.TLS == nil {
		return gatewayv1.TLSModeTerminate
	}
	return value(l.TLS.Mode, gatewayv1.TLSModeTerminate)
}
