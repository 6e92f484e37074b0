package render

import (
	"strconv"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// externalAuth renders a filter of a rule or a listener. Without a backend it has
// requests answered 500, and so is never left out.
func externalAuth(node *graph.ExternalAuth) []proxyconfig.Filter {
	if node == nil {
		return nil
	}
	out := &proxyconfig.ExternalAuth{Protocol: proxyconfig.AuthHTTP}
	if http := node.Source.HTTPAuthConfig; http != nil {
		out.RequestHeaders, out.ResponseHeaders = http.AllowedRequestHeaders, http.AllowedResponseHeaders
		if http.Path != "" {
			out.PathPrefix = absolute(http.Path)
		}
	}
	if node.Source.ExternalAuthProtocol == gatewayv1.HTTPRouteExternalAuthGRPCProtocol {
		out.Protocol = proxyconfig.AuthGRPC
		if grpc := node.Source.GRPCAuthConfig; grpc != nil {
			out.RequestHeaders = grpc.AllowedRequestHeaders
		}
	}
	if body := node.Source.ForwardBody; body != nil {
		out.MaxBodyBytes = body.MaxSize
	}
	if node.Backend != nil {
		out.Backend = backendID(node.Backend.Key)
		if out.Protocol == proxyconfig.AuthGRPC {
			out.Authority = authority(node.Backend)
		}
	}
	return []proxyconfig.Filter{{Type: proxyconfig.FilterExternalAuth, ExternalAuth: out}}
}

// authority is the name of a Service by which its own cluster knows it, and of what
// lies outside by which everybody does.
func authority(backend *graph.Backend) string {
	key := backend.Key
	name := key.Service.Name + "." + key.Service.Namespace
	if backend.External != nil {
		name = backend.External.Hostname
	}
	return name + ":" + strconv.Itoa(int(key.Port))
}
