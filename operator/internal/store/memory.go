package store

import (
	"context"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Memory keeps what was collected of one Gateway, so that a change of some of its
// routes, or of Services that they lead to, or a new ListenerSet, has these alone read
// again. What it collects is what Collect does. The zero value remembers nothing. It is
// not safe for concurrent use.
type Memory struct {
	last *Resources
	// services counts for each Service who sends something there, namespaces for each
	// namespace its routes, and foreign for each the routes of others that lead there.
	services   map[types.NamespacedName]int
	namespaces map[string]int
	foreign    map[string]int
	// secrets are those that something refers to, whether they exist or not.
	secrets keySet
}

// Collect is the function Collect. Changes are all that may have changed since the
// last time; nil stands for anything. Of those that are not nil, what is as it was is taken out.
// The maps of routes, ListenerSets, Services and EndpointSlices that were returned before
// are changed by it, other maps and objects are not.
func (m *Memory) Collect(ctx context.Context, r client.Reader, key types.NamespacedName, controllerName string, changes *Changes) (*Resources, error) {
	if m.last != nil && changes != nil && !changes.Anything && len(m.last.XBackends) == 0 {
		next, err := m.follow(ctx, r, key, controllerName, changes)
		if next != nil || err != nil {
			return m.keep(next, changes), err
		}
	}
	*m = Memory{}
	all, err := Collect(ctx, r, key, controllerName)
	if err != nil || all == nil || all.Class == nil {
		return all, err
	}
	m.count(all)
	return m.keep(all, nil), nil
}

// keep makes the resources the next edition. Changes are nil for one that has nothing
// to do with the one before.
func (m *Memory) keep(next *Resources, changes *Changes) *Resources {
	if next == nil {
		*m = Memory{}
		return nil
	}
	next.Edition = &Edition{}
	if changes != nil {
		// Only the last step is remembered, or all editions ever made would be.
		m.last.Edition.before, m.last.Edition.changes = nil, nil
		next.Edition.before, next.Edition.changes = m.last.Edition, changes
	}
	m.last = next
	return next
}

// count begins the counts.
func (m *Memory) count(all *Resources) {
	m.services, m.namespaces, m.foreign = make(map[types.NamespacedName]int), make(map[string]int), make(map[string]int)
	for key, route := range all.Routes() {
		m.tally(key, route, 1)
	}
	m.secrets = (&collector{out: all}).secretKeys()
	// These only become more as long as nothing but routes and Services changes, and
	// ListenerSets join.
	senders := collector{out: &Resources{Gateway: all.Gateway, ListenerSets: all.ListenerSets, TelemetryPolicies: all.TelemetryPolicies}}
	for service := range senders.backendKeys() {
		m.services[service]++
	}
	for namespace := range senders.homes() {
		m.namespaces[namespace]++
	}
	for namespace := range senders.grantors() {
		m.foreign[namespace]++
	}
}

// tally counts a route in, or out of it.
func (m *Memory) tally(key RouteKey, route Route, by int) {
	services := BackendServices(route)
	for _, service := range services {
		count(m.services, service, by)
	}
	for _, namespace := range foreign(key.Namespace, services) {
		count(m.foreign, namespace, by)
	}
	count(m.namespaces, key.Namespace, by)
}

func count[K comparable](in map[K]int, key K, by int) {
	if in[key] += by; in[key] == 0 {
		delete(in, key)
	}
}

// follow brings what was collected last up to date. It returns nil where that has to be
// collected anew.
func (m *Memory) follow(ctx context.Context, r client.Reader, key types.NamespacedName, controllerName string, changes *Changes) (*Resources, error) {
	next := *m.last
	f := &follower{
		collector: collector{ctx: ctx, reader: r, controller: controllerName, out: &next},
		memory:    m, services: make(map[types.NamespacedName]bool), namespaces: make(map[string]struct{}), foreign: make(map[string]bool),
	}
	if !f.sameGateway(key) || !f.listenerSets(changes) {
		return nil, f.err
	}
	next.Detached = slices.DeleteFunc(slices.Clone(next.Detached), func(route Route) bool {
		key, _ := KeyOf(route)
		_, changed := changes.Routes[key]
		return changed
	})
	for key := range changes.Routes {
		if f.route(key) && !f.joining[key] {
			changes.Statuses = append(changes.Statuses, key)
			delete(changes.Routes, key)
		}
	}
	f.around()
	f.backends(changes)
	if f.err != nil || f.lost {
		return nil, f.err
	}
	return &next, nil
}

// follower is one use of follow.
type follower struct {
	collector
	memory *Memory
	// These are what routes that changed have to do with: Services and foreign
	// namespaces with whether some route led there before.
	services   map[types.NamespacedName]bool
	foreign    map[string]bool
	namespaces map[string]struct{}
	// joining are the routes that have to do with a ListenerSet that has joined.
	joining map[RouteKey]bool
	// lost says that something depends on the change that is not followed.
	lost bool
}

// sameGateway reads the Gateway and its class, whose statuses change often, and says
// whether nothing else of them has.
func (f *follower) sameGateway(key types.NamespacedName) bool {
	before, now := f.out.Gateway, find(&f.collector, key, &gatewayv1.Gateway{})
	if now == nil || !sameSpec(before, now) {
		return false
	}
	was := f.out.Class
	f.out.Gateway, f.out.Class = now, nil
	f.class()
	return f.out.Class != nil && was.UID == f.out.Class.UID && was.ResourceVersion == f.out.Class.ResourceVersion
}

// sameSpec says whether nothing but the status differs.
func sameSpec(before, now metav1.Object) bool {
	return before.GetUID() == now.GetUID() && before.GetGeneration() == now.GetGeneration() && now.GetGeneration() > 0 &&
		now.GetDeletionTimestamp().Equal(before.GetDeletionTimestamp()) &&
		maps.Equal(before.GetLabels(), now.GetLabels()) && maps.Equal(before.GetAnnotations(), now.GetAnnotations())
}

// route replaces a route by what it is now, and says whether nothing but its status
// differs.
func (f *follower) route(key RouteKey) (sameButStatus bool) {
	had, now := f.out.Route(key), f.read(key)
	if now != nil {
		if gateway := client.ObjectKeyFromObject(f.out.Gateway); !readParent(ParentGateway).of(now, gateway) && reportsFor(gateway, f.controller)(now) {
			f.out.Detached = append(f.out.Detached, now)
		}
	}
	if had != nil && now != nil && sameSpec(had, now) {
		f.collector.route(now)
		return true
	}
	if had != nil {
		f.concern(key, had, -1)
		f.out.drop(key)
	}
	if now != nil && f.belongs(now) {
		f.concern(key, now, 1)
		f.collector.route(now)
	}
	return false
}

func (f *follower) read(key RouteKey) Route {
	kinds := RouteKinds()
	at := slices.IndexFunc(kinds, func(kind RouteKind) bool { return kind.Name == key.Kind })
	return find(&f.collector, key.NamespacedName, kinds[at].New())
}

// belongs says whether the route is one of those that Resources have.
func (f *follower) belongs(route Route) bool {
	if readParent(ParentGateway).of(route, client.ObjectKeyFromObject(f.out.Gateway)) || ClaimsDefaults(f.out.Gateway) && UsesDefaults(route) {
		return true
	}
	return slices.ContainsFunc(ParentListenerSets(route), func(set types.NamespacedName) bool { return f.out.ListenerSets[set] != nil })
}

// concern counts the route in or out, and notes what it has to do with.
func (f *follower) concern(key RouteKey, route Route, by int) {
	services := BackendServices(route)
	for _, service := range services {
		if _, known := f.services[service]; !known {
			f.services[service] = f.memory.services[service] > 0
		}
	}
	for _, namespace := range foreign(key.Namespace, services) {
		if _, known := f.foreign[namespace]; !known {
			f.foreign[namespace] = f.memory.foreign[namespace] > 0
		}
	}
	f.namespaces[key.Namespace] = struct{}{}
	f.lost = f.lost || len(XBackends(route)) > 0
	f.memory.tally(key, route, by)
}

// around reads the namespaces that are new, and drops those that no route is in any
// more.
func (f *follower) around() {
	for name := range f.namespaces {
		_, had := f.out.Namespaces[name]
		if wanted := f.memory.namespaces[name] > 0; had != wanted {
			f.out.Namespaces = maps.Clone(f.out.Namespaces)
			delete(f.out.Namespaces, name)
			if wanted {
				f.collector.namespace(name)
			}
		}
	}
	// Which grants there are was read of the namespaces that something leads to.
	for name, had := range f.foreign {
		f.lost = f.lost || had != (f.memory.foreign[name] > 0)
	}
}

// backends reads the Services that are new, or were heard of, and drops those that
// nothing leads to any more.
func (f *follower) backends(changes *Changes) {
	stale := make(keySet)
	for service, had := range f.services {
		if had != (f.memory.services[service] > 0) {
			stale[service] = struct{}{}
		}
	}
	// Which policies there are was read of the Services that something leads to.
	f.lost = f.lost || len(stale) > 0 && f.anyPolicies()
	for service := range changes.Services {
		if f.memory.services[service] > 0 {
			stale[service] = struct{}{}
		}
	}
	if f.lost {
		return
	}
	maps.DeleteFunc(changes.Services, func(service types.NamespacedName, _ struct{}) bool {
		_, concerned := stale[service]
		return !concerned
	})
	for service := range stale {
		had, slicesHad := f.out.Services[service], f.out.EndpointSlices[service]
		delete(f.out.Services, service)
		delete(f.out.EndpointSlices, service)
		if f.memory.services[service] > 0 {
			f.backend(service)
		}
		if SameVersion(had, f.out.Services[service]) && slices.EqualFunc(slicesHad, f.out.EndpointSlices[service], SameVersion) {
			delete(changes.Services, service)
		} else {
			changes.Services[service] = struct{}{}
		}
	}
}

// Stored is a pointer to something with metadata.
type Stored[T any] interface {
	*T
	metav1.Object
}

// SameVersion says whether two objects are one in the same state, or both are missing.
// Nothing that no API server has stored is in the same state as anything.
func SameVersion[T any, P Stored[T]](a, b P) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.GetUID() == b.GetUID() && a.GetResourceVersion() != "" && a.GetResourceVersion() == b.GetResourceVersion()
}

func (f *follower) anyPolicies() bool {
	return slices.ContainsFunc(PolicyKinds(), func(kind PolicyKind) bool {
		any := kind.NewList()
		f.list(any, client.Limit(1))
		return meta.LenList(any) > 0
	})
}
