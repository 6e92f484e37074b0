package golden_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/golden"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/render"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// TestTranslationOfAnything draws Gateways and routes with good and bad values
// in every field. The operator is shared by tenants: none of them must be able
// to stop it, to make it render what a proxy refuses, or to change by a route
// of his own what another's route is translated to.
func TestTranslationOfAnything(t *testing.T) { rapid.Check(t, translate) }

// FuzzTranslation is the same, driven by coverage. Its seeds are what is drawn
// from: all lowest, which is nothing of everything, and fixed noise that is
// long enough not to run out.
func FuzzTranslation(f *testing.F) {
	f.Add(make([]byte, 4096))
	noise := rand.NewChaCha8([32]byte{})
	for range 6 {
		seed := make([]byte, 16384)
		if _, err := noise.Read(seed); err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(rapid.MakeFuzz(translate))
}

func translate(t *rapid.T) {
	in := drawResources(t)
	g := graph.Build(in, options())
	config := render.Config(g)
	status.Build(g, status.Observed{Ready: 1, Serving: 1})
	for _, refused := range proxyconfig.Validate(&config) {
		if !known(&config, refused) {
			t.Errorf("a proxy refuses %+v", refused)
		}
	}
	checkIsolation(t, in)
}

// checkIsolation compares each route beside the others with what it is alone.
// GRPCRoutes are left out: by the age of a route they do take hosts from others.
func checkIsolation(t *rapid.T, in *store.Resources) {
	all := *in
	all.GRPCRoutes = nil
	together := render.Config(graph.Build(&all, options()))
	for key, route := range all.Routes() {
		alone := all
		alone.HTTPRoutes, alone.L4Routes = nil, nil
		if http, ok := route.(*gatewayv1.HTTPRoute); ok {
			alone.HTTPRoutes = map[types.NamespacedName]*gatewayv1.HTTPRoute{key.NamespacedName: http}
		} else {
			alone.L4Routes = map[store.RouteKey]store.Route{key: route}
		}
		want := withoutWritten(routeOf(render.Config(graph.Build(&alone, options())), key))
		got := withoutWritten(routeOf(together, key))
		if key.Kind == graph.KindTLSRoute || key.Kind == graph.KindTCPRoute {
			want, got = withoutAttachments(want, got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("route %s is not translated as it is alone (-alone +together):\n%s", key, diff)
		}
	}
}

// withoutWritten leaves out what a route has written to come to its hostnames, which is
// rendered only where another one has come to the same from something else.
func withoutWritten(routes []proxyconfig.Route) []proxyconfig.Route {
	for i := range routes {
		for j := range routes[i].Attachments {
			routes[i].Attachments[j].Written = nil
		}
	}
	return routes
}

// withoutAttachments leaves out what routes take from each other: the server
// names of a listener.
func withoutAttachments(want, got []proxyconfig.Route) (_, _ []proxyconfig.Route) {
	if len(got) == 0 {
		return nil, nil
	}
	for _, routes := range [][]proxyconfig.Route{want, got} {
		for i := range routes {
			routes[i].Attachments = nil
		}
	}
	return want, got
}

// known says whether the refused item was rendered as invalid.
func known(config *proxyconfig.Config, refused proxyconfig.RefusedItem) bool {
	return slices.ContainsFunc(config.Routes, func(route proxyconfig.Route) bool {
		return refused.Kind == proxyconfig.KindRule && route.ID() == refused.Name && route.Kind == refused.RouteKind &&
			route.Rules[refused.Rule].Invalid != ""
	}) || slices.ContainsFunc(config.Backends, func(backend proxyconfig.Backend) bool {
		return refused.Kind == proxyconfig.KindBackend && backend.ID == refused.Name && backend.TLS != nil && backend.TLS.Invalid != ""
	})
}

func routeOf(config proxyconfig.Config, name store.RouteKey) []proxyconfig.Route {
	var found []proxyconfig.Route
	for _, route := range config.Routes {
		if route.Kind == name.Kind && route.Namespace == name.Namespace && route.Name == name.Name {
			found = append(found, route)
		}
	}
	return found
}

// objectNames are such that joining two of them by a dash gives equal results.
var objectNames = []string{"a", "a-b", "b", "a--b", "b-c", "c"}

func pick[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

// maybe draws a pointer that is nil now and then.
func maybe[T any](t *rapid.T, label string, values ...T) *T {
	if !rapid.Bool().Draw(t, label+" is set") {
		return nil
	}
	drawn := pick(t, label, values...)
	return &drawn
}

func some[T any](t *rapid.T, label string, limit int, draw func(*rapid.T) T) []T {
	return rapid.SliceOfN(rapid.Custom(draw), 0, limit).Draw(t, label)
}

func drawResources(t *rapid.T) *store.Resources {
	in := &store.Resources{
		Class:          &gatewayv1.GatewayClass{Spec: gatewayv1.GatewayClassSpec{ControllerName: golden.ControllerName}},
		Gateway:        &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "web"}},
		HTTPRoutes:     make(map[types.NamespacedName]*gatewayv1.HTTPRoute),
		L4Routes:       make(map[store.RouteKey]store.Route),
		ListenerSets:   make(map[types.NamespacedName]*gatewayv1.ListenerSet),
		Secrets:        map[types.NamespacedName]*corev1.Secret{{Namespace: "a", Name: "cert"}: certificate()},
		ConfigMaps:     map[types.NamespacedName]*corev1.ConfigMap{{Namespace: "a", Name: "clients"}: authorities()},
		Services:       make(map[types.NamespacedName]*corev1.Service),
		EndpointSlices: make(map[types.NamespacedName][]*discoveryv1.EndpointSlice),
	}
	for i, listener := range some(t, "listeners", 4, drawListener) {
		listener.Name = gatewayv1.SectionName(fmt.Sprint("l", i))
		in.Gateway.Spec.Listeners = append(in.Gateway.Spec.Listeners, listener)
	}
	for range rapid.IntRange(0, 4).Draw(t, "routes") {
		name := types.NamespacedName{Namespace: pick(t, "namespace", objectNames...), Name: pick(t, "name", objectNames...)}
		in.HTTPRoutes[name] = drawRoute(t, name)
	}
	drawBelowHTTP(t, in)
	drawCalls(t, in)
	for range rapid.IntRange(0, 4).Draw(t, "services") {
		name := types.NamespacedName{Namespace: pick(t, "namespace", objectNames...), Name: pick(t, "name", objectNames...)}
		in.Services[name] = drawService(t)
		in.EndpointSlices[name] = some(t, "slices", 2, drawSlice)
	}
	return in
}

func drawListener(t *rapid.T) gatewayv1.Listener {
	return gatewayv1.Listener{
		Port:     pick[gatewayv1.PortNumber](t, "port", 80, 81, 19000, 0, 70000),
		Protocol: pick[gatewayv1.ProtocolType](t, "protocol", "HTTP", "HTTP", "HTTP", "HTTPS", "TLS", "TCP", "UDP", "", "SCTP"),
		Hostname: maybe[gatewayv1.Hostname](t, "hostname", "a.example.com", "*.example.com", "A.Example.com", "", "*", "a..b", "192.0.2.1"),
		TLS:      maybe(t, "tls", drawTLS(t)),
		AllowedRoutes: maybe(t, "allowedRoutes",
			gatewayv1.AllowedRoutes{},
			gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: new(gatewayv1.NamespacesFromAll)}},
			gatewayv1.AllowedRoutes{Kinds: []gatewayv1.RouteGroupKind{{Kind: "GRPCRoute"}, {Kind: "TCPRoute"}}}),
	}
}

func drawRoute(t *rapid.T, name types.NamespacedName) *gatewayv1.HTTPRoute {
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	route.Spec.ParentRefs = some(t, "parentRefs", 3, drawParent)
	route.Spec.Hostnames = some(t, "hostnames", 3, drawHostname)
	route.Spec.Rules = some(t, "rules", 3, drawRule)
	return route
}

func drawRule(t *rapid.T) gatewayv1.HTTPRouteRule {
	return gatewayv1.HTTPRouteRule{
		Matches: some(t, "matches", 2, drawMatch),
		Filters: some(t, "filters", 2, drawFilter),
		BackendRefs: some(t, "backendRefs", 3, func(t *rapid.T) gatewayv1.HTTPBackendRef {
			return gatewayv1.HTTPBackendRef{Filters: some(t, "filters", 1, drawFilter), BackendRef: drawBackendRef(t)}
		}),
		Retry: maybe(t, "retry", gatewayv1.HTTPRouteRetry{},
			gatewayv1.HTTPRouteRetry{Attempts: new(101), Backoff: new(gatewayv1.Duration("1s"))},
			gatewayv1.HTTPRouteRetry{Attempts: new(-1), Codes: []gatewayv1.HTTPRouteRetryStatusCode{500}},
			gatewayv1.HTTPRouteRetry{Codes: []gatewayv1.HTTPRouteRetryStatusCode{0, 700}, Backoff: new(gatewayv1.Duration("99999h"))}),
		Timeouts: maybe(t, "timeouts", gatewayv1.HTTPRouteTimeouts{},
			gatewayv1.HTTPRouteTimeouts{Request: new(gatewayv1.Duration("1s")), BackendRequest: new(gatewayv1.Duration("2s"))},
			gatewayv1.HTTPRouteTimeouts{Request: new(gatewayv1.Duration("-1s"))},
			gatewayv1.HTTPRouteTimeouts{BackendRequest: new(gatewayv1.Duration("99999h99999h"))}),
	}
}

func drawMatch(t *rapid.T) gatewayv1.HTTPRouteMatch {
	return gatewayv1.HTTPRouteMatch{
		Path: maybe(t, "path", gatewayv1.HTTPPathMatch{}, gatewayv1.HTTPPathMatch{
			Type:  maybe[gatewayv1.PathMatchType](t, "type", "Exact", "PathPrefix", "RegularExpression", "Glob"),
			Value: maybe(t, "value", "/", "/a/", "", "a", "/a b", "/(", "(a|b)*", "a)|(b", "/%zz", "/\n"),
		}),
		Method: maybe[gatewayv1.HTTPMethod](t, "method", "GET", "BREW", ""),
		Headers: some(t, "headers", 2, func(t *rapid.T) gatewayv1.HTTPHeaderMatch {
			return gatewayv1.HTTPHeaderMatch{
				Type:  maybe[gatewayv1.HeaderMatchType](t, "type", "Exact", "RegularExpression", "Glob"),
				Name:  pick[gatewayv1.HTTPHeaderName](t, "name", "X-A", "x-a", "", "a b", ":path"),
				Value: pick(t, "value", "", "a", "(", "\r\n"),
			}
		}),
		QueryParams: some(t, "queryParams", 2, func(t *rapid.T) gatewayv1.HTTPQueryParamMatch {
			return gatewayv1.HTTPQueryParamMatch{
				Type:  maybe[gatewayv1.QueryParamMatchType](t, "type", "Exact", "RegularExpression", "Glob"),
				Name:  pick[gatewayv1.HTTPHeaderName](t, "name", "a", "A", ""),
				Value: pick(t, "value", "", "a", "("),
			}
		}),
	}
}

func drawFilter(t *rapid.T) gatewayv1.HTTPRouteFilter {
	edits := gatewayv1.HTTPHeaderFilter{
		Set: some(t, "set", 2, func(t *rapid.T) gatewayv1.HTTPHeader {
			return gatewayv1.HTTPHeader{
				Name:  pick[gatewayv1.HTTPHeaderName](t, "name", "X-A", "x-a", "", "Host", "content-length", "a b"),
				Value: pick(t, "value", "a", "", " a", "a\r\nb", "é", "\x00"),
			}
		}),
		Remove: some(t, "remove", 1, func(t *rapid.T) string { return pick(t, "name", "X-A", "", "Connection") }),
	}
	path := gatewayv1.HTTPPathModifier{
		Type:               pick[gatewayv1.HTTPPathModifierType](t, "type", "ReplaceFullPath", "ReplacePrefixMatch", "Odd"),
		ReplaceFullPath:    maybe(t, "full", "/a", "a", "", "/a b", "/a#b"),
		ReplacePrefixMatch: maybe(t, "prefix", "/a", "a", "", "/a b"),
	}
	hostname := maybe[gatewayv1.PreciseHostname](t, "hostname", "a.example.com", "*.example.com", "", "a b")
	return gatewayv1.HTTPRouteFilter{
		Type: pick[gatewayv1.HTTPRouteFilterType](t, "type", "RequestHeaderModifier", "ResponseHeaderModifier",
			"RequestRedirect", "URLRewrite", "RequestMirror", "CORS", "ExternalAuth", "Odd"),
		CORS:                   maybe(t, "cors", drawCORS(t)),
		RequestMirror:          maybe(t, "requestMirror", drawMirror(t)),
		ExternalAuth:           maybe(t, "externalAuth", drawExternalAuth(t)),
		RequestHeaderModifier:  maybe(t, "requestHeaderModifier", edits),
		ResponseHeaderModifier: maybe(t, "responseHeaderModifier", edits),
		URLRewrite:             maybe(t, "urlRewrite", gatewayv1.HTTPURLRewriteFilter{Hostname: hostname, Path: maybe(t, "path", path)}),
		RequestRedirect: maybe(t, "requestRedirect", gatewayv1.HTTPRequestRedirectFilter{
			Scheme: maybe(t, "scheme", "http", "https", "ftp", ""), Hostname: hostname, Path: maybe(t, "path", path),
			Port:       maybe[gatewayv1.PortNumber](t, "port", 80, 0, -1, 70000),
			StatusCode: maybe(t, "statusCode", 301, 302, 200, 0),
		}),
	}
}

func drawService(t *rapid.T) *corev1.Service {
	return &corev1.Service{Spec: corev1.ServiceSpec{
		Type: pick(t, "type", corev1.ServiceTypeClusterIP, corev1.ServiceTypeExternalName, ""),
		Ports: some(t, "ports", 2, func(t *rapid.T) corev1.ServicePort {
			return corev1.ServicePort{
				Name:        pick(t, "name", "", "web"),
				Port:        pick[int32](t, "port", 80, 81, 0),
				Protocol:    pick(t, "protocol", "", corev1.ProtocolTCP, corev1.ProtocolUDP),
				AppProtocol: maybe(t, "appProtocol", "http", "https", "kubernetes.io/h2c", "odd", ""),
			}
		}),
	}}
}

func drawSlice(t *rapid.T) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		AddressType: pick(t, "addressType", discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeFQDN),
		Ports: some(t, "ports", 2, func(t *rapid.T) discoveryv1.EndpointPort {
			return discoveryv1.EndpointPort{Name: maybe(t, "name", "", "web"), Port: maybe[int32](t, "port", 8080, 0, -1, 70000)}
		}),
		Endpoints: some(t, "endpoints", 3, func(t *rapid.T) discoveryv1.Endpoint {
			return discoveryv1.Endpoint{
				Addresses: []string{pick(t, "address", "10.0.0.1", "10.0.0.2", "127.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "x", "")},
				Conditions: discoveryv1.EndpointConditions{
					Ready: maybe(t, "ready", true, false), Serving: maybe(t, "serving", true, false), Terminating: maybe(t, "terminating", true, false),
				},
			}
		}),
	}
}
