package graph

import (
	"maps"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// recall is the use of a Memory by one translation.
type recall struct {
	before *Memory
	after  Memory
	in     *store.Resources
	// changes are all that may differ from before; nil where that is not known.
	changes *store.Changes
	// tookOver says that the Gateway and its routes were.
	tookOver bool
	// idle says that something is new that any rule may depend on.
	idle bool
	// leads are the backends that were looked at since the last route began, touched
	// those that may be others than before.
	leads   []BackendKey
	touched map[BackendKey]struct{}
}

func (r *recall) touch(key BackendKey) {
	if r.touched == nil {
		r.touched = make(map[BackendKey]struct{})
	}
	r.touched[key] = struct{}{}
}

// route returns the route as it was found before, or nil. What it leads to counts as
// looked at.
func (r *recall) route(source *gatewayv1.HTTPRoute, backends map[BackendKey]*resolution) *Route {
	r.leads = r.leads[:0]
	key := types.NamespacedName{Namespace: source.Namespace, Name: source.Name}
	known := r.before.routes[key]
	if r.idle || known == nil || !known.stamp.sameSpec(source) || slices.ContainsFunc(known.leads, r.moved) {
		return nil
	}
	for _, lead := range known.leads {
		backends[lead] = r.before.backends[lead]
	}
	r.remember(key, known)
	route := known.route
	route.Meta, route.memo = &source.ObjectMeta, known
	return &route
}

// keep remembers a route that was looked at. Those that lead to XBackends are not:
// what becomes of these is noted elsewhere, too.
func (r *recall) keep(source *gatewayv1.HTTPRoute, route *Route) {
	if slices.ContainsFunc(r.leads, func(key BackendKey) bool { return key.Kind != "" }) {
		return
	}
	known := &remembered{stamp: stampOf(source), route: *route, leads: slices.Clone(r.leads)}
	// The metadata lie in a list of all routes, which need not be kept.
	known.route.Meta, known.route.memo = nil, nil
	known.route.Rules = slices.Clip(route.Rules)
	known.route.Problems = slices.Clip(route.Problems)
	known.route.hostnames = slices.Clip(route.hostnames)
	r.remember(known.route.Name, known)
	route.memo = known
}

func (r *recall) remember(name types.NamespacedName, route *remembered) {
	if r.after.routes == nil {
		r.after.routes = make(map[types.NamespacedName]*remembered, len(r.in.HTTPRoutes))
	}
	r.after.routes[name] = route
}

// moved says whether a Service or its endpoints are others than before.
func (r *recall) moved(key BackendKey) bool {
	if r.changes != nil {
		_, changed := r.changes.Services[key.Service]
		return changed
	}
	return !store.SameVersion(r.before.around.Services[key.Service], r.in.Services[key.Service]) ||
		!sameSlices(r.before.around.EndpointSlices[key.Service], r.in.EndpointSlices[key.Service])
}

func sameSlices(a, b []*discoveryv1.EndpointSlice) bool {
	return slices.EqualFunc(a, b, store.SameVersion)
}

func sameObjects[K comparable, T any, P store.Stored[T]](a, b map[K]P) bool {
	return maps.EqualFunc(a, b, store.SameVersion[T, P])
}

// sameAround says whether all is as before that a rule may depend on beside its own
// route, and the Services that this leads to.
func sameAround(before, now *store.Resources) bool {
	return before != nil && before.Gateway != nil && now.Gateway != nil &&
		before.Gateway.Namespace == now.Gateway.Namespace &&
		slices.EqualFunc(before.Grants, now.Grants, store.SameVersion) &&
		store.SameVersion(before.APIServers, now.APIServers) &&
		sameObjects(before.BackendTLSPolicies, now.BackendTLSPolicies) &&
		sameObjects(before.TrafficPolicies, now.TrafficPolicies) &&
		sameObjects(before.Secrets, now.Secrets) &&
		sameObjects(before.ConfigMaps, now.ConfigMaps) &&
		sameObjects(before.TrustBundles, now.TrustBundles) &&
		slices.Equal(slices.Sorted(slices.Values(before.MissingKinds)), slices.Sorted(slices.Values(now.MissingKinds)))
}

// settled says whether a Gateway and its listeners can be taken over, and no route
// depends on another one but by what both have written.
func (r *recall) settled() bool {
	before, now := r.before.around, r.in
	return !r.idle && r.before.gateway != nil && onlyHTTPRoutes(now) &&
		store.SameVersion(before.Class, now.Class) &&
		store.SameVersion(before.ClassParameters, now.ClassParameters) && store.SameVersion(before.OwnParameters, now.OwnParameters) &&
		!slices.ContainsFunc(r.before.attached, forgotten) &&
		sameSpec(before.Gateway, now.Gateway) &&
		r.sameListenerSets() && r.sameNamespaces()
}

// sameListenerSets says whether the ListenerSets are those of before, beside what is known
// to have joined them.
func (r *recall) sameListenerSets() bool {
	return r.changes != nil || maps.EqualFunc(r.before.around.ListenerSets, r.in.ListenerSets, sameSpec[gatewayv1.ListenerSet])
}

func onlyHTTPRoutes(in *store.Resources) bool {
	return len(in.GRPCRoutes)+len(in.L4Routes)+len(in.XBackends)+len(in.TelemetryPolicies) == 0
}

// forgotten says that nothing is remembered of what the route leads to.
func forgotten(route *Route) bool { return route.memo == nil }

// sameSpec is store.SameVersion for objects whose status may have changed. API servers
// count the generations of all others.
func sameSpec[T any, P store.Stored[T]](a, b P) bool {
	return store.SameVersion(a, b) || a != nil && b != nil && a.GetUID() == b.GetUID() &&
		a.GetGeneration() > 0 && a.GetGeneration() == b.GetGeneration() &&
		maps.Equal(a.GetLabels(), b.GetLabels()) && maps.Equal(a.GetAnnotations(), b.GetAnnotations())
}

// sameNamespaces says whether the namespaces of what was there before have the
// labels that they had. Others may have come and gone with their routes.
func (r *recall) sameNamespaces() bool {
	before, now := r.before.around.Namespaces, r.in.Namespaces
	if r.changes != nil {
		// No Namespace is another one than before, but some may have come or gone.
		same := func(name string) bool { return (before[name] == nil) == (now[name] == nil) || !r.knew(name) }
		for key := range r.changes.Routes {
			if !same(key.Namespace) {
				return false
			}
		}
		return !slices.ContainsFunc(r.changes.Joined, func(set types.NamespacedName) bool { return !same(set.Namespace) })
	}
	for name, namespace := range now {
		if had, known := before[name]; known && !store.SameVersion(had, namespace) || !known && r.knew(name) {
			return false
		}
	}
	for name := range before {
		if now[name] == nil && r.knew(name) {
			return false
		}
	}
	return true
}

// knew says whether routes or ListenerSets of the namespace are among those of before.
func (r *recall) knew(namespace string) bool {
	return slices.ContainsFunc(r.before.attached, func(route *Route) bool { return route.Name.Namespace == namespace }) ||
		slices.ContainsFunc(r.before.gateway.ListenerSets, func(set *ListenerSet) bool { return set.Source.Namespace == namespace })
}

// keepGateway remembers the Gateway, unless filters of its listeners lead to
// Services, which may change.
func (r *recall) keepGateway(gateway *Gateway) {
	if len(r.leads) == 0 {
		r.after.gateway = gateway
	}
}

// movedServices are those that differ from before.
func (r *recall) movedServices() map[types.NamespacedName]bool {
	moved := make(map[types.NamespacedName]bool)
	if r.changes == nil {
		differing(r.before.around.Services, r.in.Services, store.SameVersion, moved)
		differing(r.before.around.EndpointSlices, r.in.EndpointSlices, sameSlices, moved)
		return moved
	}
	for service := range r.changes.Services {
		moved[service] = true
	}
	return moved
}

func differing[V any](before, now map[types.NamespacedName]V, same func(a, b V) bool, into map[types.NamespacedName]bool) {
	for name, is := range now {
		if was, known := before[name]; !known || !same(was, is) {
			into[name] = true
		}
	}
	if len(before) == len(now) && len(into) == 0 {
		return
	}
	for name := range before {
		if _, still := now[name]; !still {
			into[name] = true
		}
	}
}
