package graph

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// Options are what a translation depends on beside the objects.
type Options struct {
	// ControllerName is the one that a GatewayClass must name to be ours.
	ControllerName string
	// ReservedPorts are those that every proxy pod uses itself, with their
	// users. A listener cannot have them.
	ReservedPorts map[int32]string
	// ClusterDomain is the domain of the cluster's DNS, in lower case and without a
	// dot at its ends. No XBackend may have a name below it, nor one below
	// cluster.local.
	ClusterDomain string
	// Forbidden are the endpoints that no route may lead to.
	Forbidden ForbiddenBackends
}

// Graph is one Gateway with everything that it serves. It is immutable once it
// is built, and safe for concurrent use. One that a Memory has built is so until the
// Memory builds the next, which takes over what did not change.
type Graph struct {
	// Gateway is nil when the Gateway's class does not exist or belongs to
	// another controller: then there is nothing to do, and nothing to say.
	Gateway *Gateway
	// Routes are those with a parentRef to the Gateway, sorted by kind,
	// namespace and name.
	Routes []*Route
	// Backends are the ports of Services, and the XBackends, that something is sent
	// to, each once, sorted by kind, namespace, name, port and transport.
	Backends []*Backend
	// Policies are those of Services that something is sent to, sorted by
	// namespace and name.
	Policies []*Policy
	// TrafficPolicies are those of the same Services, sorted likewise.
	TrafficPolicies []*TrafficPolicy
	// XBackends are those that some rule leads to and may, sorted by namespace and
	// name.
	XBackends []*XBackend
	// TelemetryPolicies are those that target the Gateway, sorted likewise.
	TelemetryPolicies []*TelemetryPolicy
	// Tracing is what the one of them that applies asks for; nil for nothing.
	Tracing *Tracing
}

// Build connects the resources of one Gateway. The result depends on nothing
// but the arguments, and not on the order of the resources' slices.
func Build(in *store.Resources, opts Options) *Graph { return new(Memory).Build(in, opts) }

// build returns what it has found of each backend as well.
func build(in *store.Resources, opts Options, recall *recall) (*Graph, map[BackendKey]*resolution) {
	if in.Gateway == nil || in.Class == nil || string(in.Class.Spec.ControllerName) != opts.ControllerName {
		return &Graph{}, nil
	}
	opts.Forbidden = opts.Forbidden.with(in.APIServers)
	b := &builder{
		in:       in,
		opts:     opts,
		recall:   recall,
		grants:   indexGrants(in.Grants),
		backends: make(map[BackendKey]*resolution),

		xbackends: make(map[types.NamespacedName]*XBackend),
	}
	g := &Graph{Policies: b.policies(), TrafficPolicies: b.trafficPolicies()}
	if g.Routes = b.takeOver(); recall.tookOver {
		g.Gateway = recall.after.gateway
	} else {
		g.Gateway = b.gateway()
		b.resolveFilters(g.Gateway)
		recall.keepGateway(g.Gateway)
		g.Routes = b.routes(g.Gateway)
	}
	g.TelemetryPolicies, g.Tracing = b.telemetryPolicies()
	g.Policies, g.TrafficPolicies = reached(b, g.Policies), reached(b, g.TrafficPolicies)
	g.Backends = b.resolved()
	g.XBackends = slices.SortedFunc(maps.Values(b.xbackends), func(x, y *XBackend) int { return compareNames(x.Name(), y.Name()) })
	return g, b.backends
}

// builder holds what the steps of one Build share.
type builder struct {
	in       *store.Resources
	opts     Options
	recall   *recall
	grants   grants
	backends map[BackendKey]*resolution
	// xbackends are those that were looked up.
	xbackends map[types.NamespacedName]*XBackend
	// targets are the policies that apply.
	targets map[target]*Policy
	traffic map[target]*TrafficPolicy
}

func (b *builder) routes(gateway *Gateway) []*Route {
	var routes []*Route
	for _, source := range b.in.HTTPRoutes {
		if route := b.attachedHTTPRoute(source, gateway); route != nil {
			routes = append(routes, route)
		}
	}
	for _, source := range b.in.GRPCRoutes {
		if !b.concerns(source, KindGRPCRoute, source.Spec.Hostnames, gateway) {
			continue
		}
		route := b.grpcRoute(source)
		b.attach(route, source.Spec.ParentRefs, gateway)
		b.claim(route, source, gateway)
		routes = append(routes, route)
	}
	for _, source := range b.in.L4Routes {
		if l4 := l4SourceOf(source); !b.concerns(source, l4.kind, l4.hostnames, gateway) {
			continue
		}
		route := b.l4Route(source)
		b.attach(route, store.ParentRefs(source), gateway)
		b.claim(route, source, gateway)
		route.checkTrust()
		routes = append(routes, route)
	}
	settleRivals(routes)
	slices.SortFunc(routes, CompareRoutes)
	for _, route := range routes {
		route.countAttachments()
	}
	settleServerNames(routes)
	b.recall.after.writing = noteWritten(routes)
	return routes
}

// attachedHTTPRoute returns nil for a route that does not concern the Gateway.
func (b *builder) attachedHTTPRoute(source *gatewayv1.HTTPRoute, gateway *Gateway) *Route {
	if !b.concerns(source, KindHTTPRoute, source.Spec.Hostnames, gateway) {
		return nil
	}
	route := b.httpRoute(source)
	b.attach(route, source.Spec.ParentRefs, gateway)
	b.claim(route, source, gateway)
	return route
}

// CompareRoutes is the order of Graph.Routes.
func CompareRoutes(a, b *Route) int {
	if byKind := strings.Compare(a.Kind, b.Kind); byKind != 0 {
		return byKind
	}
	return compareNames(a.Name, b.Name)
}

func compareNames(a, b types.NamespacedName) int {
	if byNamespace := strings.Compare(a.Namespace, b.Namespace); byNamespace != 0 {
		return byNamespace
	}
	return strings.Compare(a.Name, b.Name)
}

// value returns what an optional field of the API stands for.
func value[T any](field *T, fallback T) T {
	if field == nil {
		return fallback
	}
	return *field
}
