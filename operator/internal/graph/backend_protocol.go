package graph

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// backendProtocol is what a Service port says of how it is spoken to.
type backendProtocol struct {
	// protocol is one of the contract's.
	protocol string
	// grpc says that GRPCRoutes can use it.
	grpc bool
	// needsTLS says that plaintext is wrong.
	needsTLS bool
}

// backendProtocols are the application protocols that are known (KEP-3726, and
// the names of IANA without a prefix, which compare in any case). A WebSocket is
// an upgrade of HTTP/1.1.
var backendProtocols = map[string]backendProtocol{
	"http":              {protocol: proxyconfig.BackendHTTP1},
	"https":             {protocol: proxyconfig.BackendHTTP1, needsTLS: true},
	"grpc":              {protocol: proxyconfig.BackendHTTP2, grpc: true},
	"kubernetes.io/h2c": {protocol: proxyconfig.BackendHTTP2, grpc: true},
	"kubernetes.io/ws":  {protocol: proxyconfig.BackendHTTP1},
	"kubernetes.io/wss": {protocol: proxyconfig.BackendHTTP1, needsTLS: true},
}

// speak returns how a port is spoken to for the sake of an HTTPRoute or a
// GRPCRoute, or why it cannot be. A port that says nothing speaks what the route
// needs; of one that only asks for TLS, HTTP/2 is negotiated for a GRPCRoute.
func speak(port *corev1.ServicePort, grpc bool) (_ backendProtocol, why string) {
	if port.Protocol != "" && port.Protocol != corev1.ProtocolTCP {
		return backendProtocol{}, "is of protocol " + string(port.Protocol)
	}
	app := value(port.AppProtocol, "")
	if app == "" {
		if grpc {
			return backendProtocol{protocol: proxyconfig.BackendHTTP2, grpc: true}, ""
		}
		return backendProtocol{protocol: proxyconfig.BackendHTTP1}, ""
	}
	known, ok := backendProtocols[strings.ToLower(app)]
	switch {
	case !ok:
		return backendProtocol{}, "has appProtocol " + strconv.Quote(app) + ", which is not known"
	case grpc && strings.EqualFold(app, "https"):
		return backendProtocol{protocol: proxyconfig.BackendHTTP2, grpc: true, needsTLS: true}, ""
	case grpc && !known.grpc:
		return backendProtocol{}, "has appProtocol " + strconv.Quote(app) + ", which does not carry gRPC"
	}
	return known, ""
}
