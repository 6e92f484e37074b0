package graph

import (
	"slices"
	"strconv"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// ExternalAuth is an ExternalAuth filter of a rule or a listener.
type ExternalAuth struct {
	Source *gatewayv1.HTTPExternalAuthFilter
	// Backend is nil when the reference is invalid: all requests are answered with
	// 500, as nobody can allow them.
	Backend *Backend
}

// resolveExternalAuth reads the ExternalAuth filter of the rule, if it has one.
func (b *builder) resolveExternalAuth(route *Route, rule *Rule, at string) {
	for i := range rule.HTTP.Filters {
		source := rule.HTTP.Filters[i].ExternalAuth
		if rule.HTTP.Filters[i].Type != gatewayv1.HTTPRouteFilterExternalAuth || source == nil {
			continue
		}
		rule.ExternalAuth = b.externalAuth(route, rule, at+".filters["+strconv.Itoa(i)+"].externalAuth", source)
	}
}

func (b *builder) externalAuth(route *Route, rule *Rule, field string, source *gatewayv1.HTTPExternalAuthFilter) *ExternalAuth {
	transport := Requests
	if source.ExternalAuthProtocol == gatewayv1.HTTPRouteExternalAuthGRPCProtocol {
		transport = Calls
	}
	return &ExternalAuth{Source: source, Backend: b.serviceRefBy(transport, route, rule, field+".backendRef", &source.BackendRef)}
}

// checkExternalAuth holds the rules of the CRD's schema, too, but for one: a
// protocol whose settings are not there has the defaults of each
// (HTTPExternalAuthFilter.http and grpc).
func (r *Rule) checkExternalAuth(field string, source *gatewayv1.HTTPExternalAuthFilter) {
	switch protocol := source.ExternalAuthProtocol; {
	case protocol != gatewayv1.HTTPRouteExternalAuthHTTPProtocol && protocol != gatewayv1.HTTPRouteExternalAuthGRPCProtocol:
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.protocol %q is not known", field, protocol)
	case protocol == gatewayv1.HTTPRouteExternalAuthHTTPProtocol && source.GRPCAuthConfig != nil:
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.grpc is set, and protocol is HTTP", field)
	case protocol == gatewayv1.HTTPRouteExternalAuthGRPCProtocol && source.HTTPAuthConfig != nil:
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.http is set, and protocol is GRPC", field)
	}
	if grpc := source.GRPCAuthConfig; grpc != nil {
		r.checkNames(field+".grpc", grpc.AllowedRequestHeaders)
	}
	if http := source.HTTPAuthConfig; http != nil {
		r.checkNames(field+".http", slices.Concat(http.AllowedRequestHeaders, http.AllowedResponseHeaders))
		if why := checkPathText("/" + strings.TrimPrefix(http.Path, "/")); why != "" {
			r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.http.path %q %s", field, http.Path, why)
		}
	}
	if body := source.ForwardBody; body != nil && (body.MaxSize < 0 || body.MaxSize > proxyconfig.MaxAuthBodyBytes) {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue,
			"%s.forwardBody.maxSize %d is not in [0, %d], which is what a proxy holds of a body", field, body.MaxSize, proxyconfig.MaxAuthBodyBytes)
	}
}

func (r *Rule) checkNames(field string, names []string) {
	for _, name := range names {
		if !token.MatchString(name) {
			r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s: %q is not a valid name of a header", field, name)
		}
	}
}
