package render

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// l4Rule renders a rule of a TLSRoute, TCPRoute or UDPRoute. An invalid one
// serves no connection.
func l4Rule(node *graph.Rule) proxyconfig.Rule {
	var out proxyconfig.Rule
	if node.L4.Name != nil {
		out.Name = string(*node.L4.Name)
	}
	if node.Invalid() {
		out.Invalid = node.Problems.Message(string(gatewayv1.RouteConditionAccepted))
		return out
	}
	for _, ref := range node.Backends {
		out.Backends = append(out.Backends, backendRef(ref))
	}
	return out
}

// transportSuffix keeps the backends of one port apart.
func transportSuffix(transport graph.Transport) string {
	switch transport {
	case graph.Calls:
		return "/grpc"
	case graph.Connections:
		return "/tcp"
	case graph.Datagrams:
		return "/udp"
	}
	return ""
}

// tlsMode is empty for every protocol but TLS.
func tlsMode(node *graph.Listener) proxyconfig.TLSMode {
	if node.Source.Protocol != gatewayv1.TLSProtocolType {
		return ""
	}
	if len(node.Certificates) == 0 {
		return proxyconfig.TLSPassthrough
	}
	return proxyconfig.TLSTerminate
}

// listenerTLS is nil for a listener that has the defaults.
func listenerTLS(node *graph.Listener) *proxyconfig.ListenerTLS {
	out := &proxyconfig.ListenerTLS{
		MinVersion:   proxyconfig.TLSVersion(node.TLS.MinVersion),
		CipherSuites: node.TLS.CipherSuites,
	}
	if node.Validation != nil {
		out.ClientValidation = &proxyconfig.ClientValidation{
			CACertificates: node.Validation.CACertificates,
			Mode:           proxyconfig.ClientValidationMode(node.Validation.Mode),
		}
	}
	if out.MinVersion == "" && len(out.CipherSuites) == 0 && out.ClientValidation == nil {
		return nil
	}
	return out
}
