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

// speak returns how a port is spoken to for the sake of a transport, or why it
// cannot be. A port that says nothing speaks what the route needs; of one that
// only asks for TLS, HTTP/2 is negotiated for calls. What is in a connection is
// between the client and the backend.
func speak(port *corev1.ServicePort, transport Transport) (_ backendProtocol, why string) {
	if protocol := protocolOfPort(port); protocol != transport.protocol() {
		return backendProtocol{}, "is of protocol " + string(protocol)
	}
	app := value(port.AppProtocol, "")
	switch transport {
	case Connections:
		return backendProtocol{protocol: proxyconfig.BackendTCP}, ""
	case Datagrams:
		return backendProtocol{protocol: proxyconfig.BackendUDP}, ""
	case Calls:
		return speakGRPC(app)
	}
	if app == "" {
		return backendProtocol{protocol: proxyconfig.BackendHTTP1}, ""
	}
	known, ok := backendProtocols[strings.ToLower(app)]
	if !ok {
		return backendProtocol{}, unknownProtocol(app)
	}
	return known, ""
}

func speakGRPC(app string) (_ backendProtocol, why string) {
	if app == "" {
		return backendProtocol{protocol: proxyconfig.BackendHTTP2, grpc: true}, ""
	}
	known, ok := backendProtocols[strings.ToLower(app)]
	switch {
	case !ok:
		return backendProtocol{}, unknownProtocol(app)
	case strings.EqualFold(app, "https"):
		return backendProtocol{protocol: proxyconfig.BackendHTTP2, grpc: true, needsTLS: true}, ""
	case !known.grpc:
		return backendProtocol{}, "has appProtocol " + strconv.Quote(app) + ", which does not carry gRPC"
	}
	return known, ""
}

func unknownProtocol(app string) string {
	return "has appProtocol " + strconv.Quote(app) + ", which is not known"
}
