package golden_test

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// drawCalls draws GRPCRoutes, and the BackendTLSPolicies of any Service.
func drawCalls(t *rapid.T, in *store.Resources) {
	in.GRPCRoutes = make(map[types.NamespacedName]*gatewayv1.GRPCRoute)
	for range rapid.IntRange(0, 2).Draw(t, "grpcRoutes") {
		name := types.NamespacedName{Namespace: pick(t, "namespace", objectNames...), Name: pick(t, "name", objectNames...)}
		in.GRPCRoutes[name] = drawGRPCRoute(t, name)
	}
	in.BackendTLSPolicies = make(map[types.NamespacedName]*gatewayv1.BackendTLSPolicy)
	for range rapid.IntRange(0, 3).Draw(t, "policies") {
		name := types.NamespacedName{Namespace: pick(t, "namespace", objectNames...), Name: pick(t, "name", objectNames...)}
		in.BackendTLSPolicies[name] = drawPolicy(t, name)
	}
	if in.Gateway.Spec.TLS != nil {
		in.Gateway.Spec.TLS.Backend = maybe(t, "backend", gatewayv1.GatewayBackendTLS{ClientCertificateRef: &gatewayv1.SecretObjectReference{
			Name: pick[gatewayv1.ObjectName](t, "name", "cert", "missing"), Namespace: maybe[gatewayv1.Namespace](t, "namespace", "a", "b"),
		}})
	}
}

func drawPolicy(t *rapid.T, name types.NamespacedName) *gatewayv1.BackendTLSPolicy {
	policy := &gatewayv1.BackendTLSPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	policy.Spec.TargetRefs = some(t, "targetRefs", 2, func(t *rapid.T) gatewayv1.LocalPolicyTargetReferenceWithSectionName {
		return gatewayv1.LocalPolicyTargetReferenceWithSectionName{
			LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{
				Kind: pick[gatewayv1.Kind](t, "kind", "Service", "Bucket"), Name: gatewayv1.ObjectName(pick(t, "name", objectNames...)),
			},
			SectionName: maybe[gatewayv1.SectionName](t, "sectionName", "web", "none", ""),
		}
	})
	policy.Spec.Validation = gatewayv1.BackendTLSPolicyValidation{
		Hostname:                pick[gatewayv1.PreciseHostname](t, "hostname", "a.example.com", "A.example.com", "*.example.com", "", "192.0.2.1"),
		WellKnownCACertificates: maybe[gatewayv1.WellKnownCACertificatesType](t, "wellKnown", "System", "Odd", ""),
		CACertificateRefs: some(t, "caCertificateRefs", 2, func(t *rapid.T) gatewayv1.LocalObjectReference {
			return gatewayv1.LocalObjectReference{
				Kind: pick[gatewayv1.Kind](t, "kind", "ConfigMap", "Secret", "Bucket"), Name: pick[gatewayv1.ObjectName](t, "name", "clients", "cert", "missing"),
			}
		}),
		SubjectAltNames: some(t, "subjectAltNames", 2, func(t *rapid.T) gatewayv1.SubjectAltName {
			return gatewayv1.SubjectAltName{
				Type:     pick[gatewayv1.SubjectAltNameType](t, "type", "Hostname", "URI", "Odd"),
				Hostname: pick[gatewayv1.Hostname](t, "hostname", "*.example.com", "A.example.com", "", "a..b"),
				URI:      pick[gatewayv1.AbsoluteURI](t, "uri", "spiffe://a/b", "", "nothing", "%zz:", ":"),
			}
		}),
	}
	return policy
}

func drawGRPCRoute(t *rapid.T, name types.NamespacedName) *gatewayv1.GRPCRoute {
	route := &gatewayv1.GRPCRoute{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	route.Spec.ParentRefs = some(t, "parentRefs", 3, drawParent)
	route.Spec.Hostnames = some(t, "hostnames", 3, drawHostname)
	route.Spec.Rules = some(t, "rules", 3, func(t *rapid.T) gatewayv1.GRPCRouteRule {
		return gatewayv1.GRPCRouteRule{
			Matches: some(t, "matches", 2, drawGRPCMatch),
			Filters: some(t, "filters", 2, drawGRPCFilter),
			BackendRefs: some(t, "backendRefs", 2, func(t *rapid.T) gatewayv1.GRPCBackendRef {
				ref := gatewayv1.GRPCBackendRef{Filters: some(t, "filters", 1, drawGRPCFilter)}
				ref.Name = gatewayv1.ObjectName(pick(t, "name", objectNames...))
				ref.Port = maybe[gatewayv1.PortNumber](t, "port", 80, 81)
				return ref
			}),
		}
	})
	return route
}

func drawGRPCMatch(t *rapid.T) gatewayv1.GRPCRouteMatch {
	return gatewayv1.GRPCRouteMatch{
		Method: maybe(t, "method", gatewayv1.GRPCMethodMatch{
			Type:    maybe[gatewayv1.GRPCMethodMatchType](t, "type", "Exact", "RegularExpression", "Glob"),
			Service: maybe(t, "service", "a.B", "", "a/b", "a)|(b", "(", ".a", "a\n"),
			Method:  maybe(t, "method", "M", "", "M.*", "/", "*"),
		}),
		Headers: some(t, "headers", 1, func(t *rapid.T) gatewayv1.GRPCHeaderMatch {
			return gatewayv1.GRPCHeaderMatch{
				Type: maybe[gatewayv1.GRPCHeaderMatchType](t, "type", "Exact", "RegularExpression", "Glob"),
				Name: pick[gatewayv1.GRPCHeaderName](t, "name", "X-A", "", ":path"), Value: pick(t, "value", "a", "("),
			}
		}),
	}
}

func drawGRPCFilter(t *rapid.T) gatewayv1.GRPCRouteFilter {
	return gatewayv1.GRPCRouteFilter{
		Type: pick[gatewayv1.GRPCRouteFilterType](t, "type", "RequestHeaderModifier", "RequestMirror", "URLRewrite", "Odd"),
		RequestHeaderModifier: maybe(t, "requestHeaderModifier", gatewayv1.HTTPHeaderFilter{},
			gatewayv1.HTTPHeaderFilter{Remove: []string{"te"}}),
		RequestMirror: maybe(t, "requestMirror", drawMirror(t)),
	}
}

func drawCORS(t *rapid.T) gatewayv1.HTTPCORSFilter {
	return gatewayv1.HTTPCORSFilter{
		AllowOrigins: some(t, "allowOrigins", 2, func(t *rapid.T) gatewayv1.CORSOrigin {
			return pick[gatewayv1.CORSOrigin](t, "origin", "*", "https://a.example.com", "http://*.example.com:81", "https://*",
				"https://a:0", "https://a:99999", "https://*a", "https://", "ftp://a", "", "https://a\n")
		}),
		AllowMethods: some(t, "allowMethods", 2, func(t *rapid.T) gatewayv1.HTTPMethodWithWildcard {
			return pick[gatewayv1.HTTPMethodWithWildcard](t, "method", "GET", "*", "", "A B")
		}),
		AllowHeaders: some(t, "allowHeaders", 2, func(t *rapid.T) gatewayv1.HTTPHeaderName {
			return pick[gatewayv1.HTTPHeaderName](t, "name", "X-A", "*", "", "a b")
		}),
		MaxAge: pick[int32](t, "maxAge", 0, 1, -1),
	}
}

func drawMirror(t *rapid.T) gatewayv1.HTTPRequestMirrorFilter {
	return gatewayv1.HTTPRequestMirrorFilter{
		BackendRef: gatewayv1.BackendObjectReference{
			Name: gatewayv1.ObjectName(pick(t, "name", objectNames...)), Port: maybe[gatewayv1.PortNumber](t, "port", 80, 0),
		},
		Percent: maybe[int32](t, "percent", 0, 1, 100, 101, -1),
		Fraction: maybe(t, "fraction", gatewayv1.Fraction{Numerator: 1}, gatewayv1.Fraction{Numerator: 2, Denominator: new(int32(1))},
			gatewayv1.Fraction{Denominator: new(int32(0))}),
	}
}

func drawExternalAuth(t *rapid.T) gatewayv1.HTTPExternalAuthFilter {
	names := func(label string) []string {
		return some(t, label, 2, func(t *rapid.T) string { return pick(t, "name", "X-A", "", "a b", "Content-Length", "a:") })
	}
	return gatewayv1.HTTPExternalAuthFilter{
		ExternalAuthProtocol: pick[gatewayv1.HTTPRouteExternalAuthProtocol](t, "protocol", "HTTP", "GRPC", "", "SOAP"),
		BackendRef: gatewayv1.BackendObjectReference{
			Name: gatewayv1.ObjectName(pick(t, "name", objectNames...)), Port: maybe[gatewayv1.PortNumber](t, "port", 80, 0),
		},
		GRPCAuthConfig: maybe(t, "grpc", gatewayv1.GRPCAuthConfig{AllowedRequestHeaders: names("allowedHeaders")}),
		HTTPAuthConfig: maybe(t, "http", gatewayv1.HTTPAuthConfig{
			Path:                   pick(t, "path", "", "/a", "a", "/a/../b", "/a?b", "/a b", "//", "/a#b", "/%2e%2e/"),
			AllowedRequestHeaders:  names("allowedHeaders"),
			AllowedResponseHeaders: names("allowedResponseHeaders"),
		}),
		ForwardBody: maybe(t, "forwardBody", gatewayv1.ForwardBodyConfig{MaxSize: pick[int32](t, "maxSize", 0, 1, -1, 1<<20, 1<<20+1)}),
	}
}
