package graph

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// takeOver takes the Gateway and its routes over from the translation before, and
// attaches those routes that are others now. It returns nothing, and has
// recall.tookOver say so, where more has changed than HTTPRoutes, Services with their
// endpoints, and ListenerSets that have joined: then all has to be looked at.
//
// A route that is taken over is the same node as before, so that whoever has made
// something of it can tell by that.
func (b *builder) takeOver() []*Route {
	r := b.recall
	if !r.settled() {
		return nil
	}
	t := takeover{builder: b, before: r.before, moved: r.movedServices()}
	if t.gateway = b.joined(r.before.gateway); t.gateway == nil {
		return nil
	}
	t.begin()
	t.sift()
	t.drop()
	t.attach()
	if t.spoilt {
		t.undo()
		return nil
	}
	r.tookOver = true
	return t.merged()
}

// takeover is one use of takeOver.
type takeover struct {
	*builder
	before *Memory
	// gateway is that of before, or a new one with the ListenerSets that have joined it.
	gateway *Gateway
	// moved are the Services that are others now, or have other endpoints.
	moved map[types.NamespacedName]bool
	// same are the routes that are as they were, gone those that are not, changed
	// what these are now, if they are still there, and fresh the routes that are
	// attached anew.
	same, gone, fresh []*Route
	changed           []*gatewayv1.HTTPRoute
	// spoilt says that routes that are the same would have to change.
	spoilt bool
}

// begin has what is known of the backends used on, without those of the Services
// that have moved.
func (t *takeover) begin() {
	after := &t.recall.after
	after.gateway, after.writing, after.uses = t.gateway, t.before.writing, t.before.uses
	after.routes = t.before.routes
	t.backends = t.before.backends
	if t.recall.changes != nil {
		return
	}
	for key := range t.backends {
		if t.moved[key.Service] {
			t.unlearn(key)
		}
	}
}

// unlearn forgets what was found of a backend.
func (t *takeover) unlearn(key BackendKey) {
	delete(t.backends, key)
	t.recall.touch(key)
}

// sift tells the routes that are as they were from the others.
func (t *takeover) sift() {
	t.gateway.Source, t.gateway.Class.Source = t.in.Gateway, t.in.Class
	t.gateway.renewSets(t.in.ListenerSets, t.recall.changes)
	if t.recall.changes != nil {
		t.siftChanged()
		return
	}
	t.same = make([]*Route, 0, len(t.in.HTTPRoutes))
	for _, route := range t.before.attached {
		source := t.in.HTTPRoutes[route.Name]
		if source != nil && t.keeps(route, source) {
			route.Meta = &source.ObjectMeta
			t.same = append(t.same, route)
			continue
		}
		t.gone = append(t.gone, route)
		if source != nil {
			t.changed = append(t.changed, source)
		}
	}
	if len(t.same)+len(t.changed) < len(t.in.HTTPRoutes) {
		t.findNew()
	}
}

// siftChanged is sift where it is known which routes are to be told.
func (t *takeover) siftChanged() {
	t.same = append(t.before.spareRoutes[:0], t.before.attached...)
	t.recall.after.spareRoutes = t.before.attached
	t.renew()
	concerned := maps.Clone(t.recall.changes.Routes)
	for route := range t.leadingToMoved() {
		concerned[store.RouteKey{Kind: KindHTTPRoute, NamespacedName: route.Name}] = struct{}{}
	}
	for key := range concerned {
		if key.Kind != KindHTTPRoute {
			continue
		}
		// A route that is as it was may have to do with a ListenerSet that was not there.
		_, joins := t.recall.changes.Routes[key]
		joins = joins && len(t.recall.changes.Joined) > 0
		source := t.in.HTTPRoutes[key.NamespacedName]
		if at, known := findRoute(t.same, key); known {
			if route := t.same[at]; source != nil && t.keeps(route, source) && !joins {
				route.Meta = &source.ObjectMeta
				continue
			}
			t.gone = append(t.gone, t.same[at])
			t.same = slices.Delete(t.same, at, at+1)
		}
		if source != nil {
			t.changed = append(t.changed, source)
		}
	}
}

// leadingToMoved are the routes of before that lead to a Service that has moved. What was
// found of such backends is forgotten: nothing but routes leads to them.
func (t *takeover) leadingToMoved() iter.Seq[*Route] {
	moved := slices.Collect(maps.Keys(t.moved))
	return func(yield func(*Route) bool) {
		if len(moved) == 0 {
			return
		}
		for _, route := range t.before.attached {
			led := false
			for _, key := range route.leads() {
				if slices.Contains(moved, key.Service) {
					t.unlearn(key)
					led = true
				}
			}
			if led && !yield(route) {
				return
			}
		}
	}
}

// renew gives routes of which nothing but the status differs their present metadata.
func (t *takeover) renew() {
	for _, key := range t.recall.changes.Statuses {
		if at, known := findRoute(t.same, key); known {
			t.same[at].Meta = store.MetaOf(t.in.Route(key))
		}
	}
}

// findRoute searches routes that are in order.
func findRoute(routes []*Route, key store.RouteKey) (int, bool) {
	return slices.BinarySearchFunc(routes, key, func(route *Route, key store.RouteKey) int {
		return cmp.Or(strings.Compare(route.Kind, key.Kind), compareNames(route.Name, key.NamespacedName))
	})
}

func (t *takeover) keeps(route *Route, source *gatewayv1.HTTPRoute) bool {
	return route.memo != nil && route.memo.stamp.sameSpec(source) &&
		(len(t.moved) == 0 || !slices.ContainsFunc(route.memo.leads, func(key BackendKey) bool { return t.moved[key.Service] }))
}

// findNew adds the routes that were not attached before.
func (t *takeover) findNew() {
	for name, source := range t.in.HTTPRoutes {
		if _, known := findRoute(t.before.attached, store.RouteKey{Kind: KindHTTPRoute, NamespacedName: name}); !known {
			t.changed = append(t.changed, source)
		}
	}
}

// drop takes the routes that are gone from their listeners.
func (t *takeover) drop() {
	eachAttachment(t.gone, routesRequests, func(route *Route, a *Attachment) {
		for _, name := range a.Hostnames {
			if !t.before.writing.remove(claim{a.Listener, name}) {
				t.spoilt = true
			}
		}
		if at := slices.Index(a.Listener.Routes, route); at >= 0 {
			a.Listener.Routes = slices.Delete(a.Listener.Routes, at, at+1)
		}
	})
}

// attach attaches the routes that are new, or others than before. Their backends
// count as used before those of the ones that are gone do not any more.
func (t *takeover) attach() {
	for _, source := range t.changed {
		delete(t.recall.after.routes, types.NamespacedName{Namespace: source.Namespace, Name: source.Name})
		if route := t.attachedHTTPRoute(source, t.gateway); route != nil {
			t.fresh = append(t.fresh, route)
			t.spoilt = t.spoilt || forgotten(route)
		}
	}
	slices.SortFunc(t.fresh, CompareRoutes)
	for _, route := range t.fresh {
		route.countAttachments()
	}
	eachAttachment(t.fresh, routesRequests, func(route *Route, a *Attachment) {
		for _, name := range a.Hostnames {
			if !t.before.writing.add(claim{a.Listener, name}, route.written(name)) {
				t.spoilt = true
			}
		}
	})
	t.count()
}

func (t *takeover) count() {
	uses := t.recall.after.uses
	for _, route := range t.fresh {
		route.use(uses, 1)
	}
	for _, route := range t.gone {
		route.use(uses, -1)
		if t.in.HTTPRoutes[route.Name] == nil {
			delete(t.recall.after.routes, route.Name)
		}
	}
	for _, route := range t.gone {
		for _, key := range route.leads() {
			if uses[key] <= 0 {
				delete(uses, key)
				t.unlearn(key)
			}
		}
	}
}

// undo forgets the routes that were looked at, as what they lead to was not kept.
func (t *takeover) undo() {
	for _, source := range t.changed {
		delete(t.before.routes, types.NamespacedName{Namespace: source.Namespace, Name: source.Name})
	}
	t.backends, t.recall.leads = make(map[BackendKey]*resolution), nil
	t.recall.after = Memory{}
}

// merged are the routes in order.
func (t *takeover) merged() []*Route {
	if len(t.fresh) == 0 {
		return t.same
	}
	all := t.same
	for _, route := range t.fresh {
		at, _ := slices.BinarySearchFunc(all, route, CompareRoutes)
		all = slices.Insert(all, at, route)
	}
	return all
}

// leads are the backends that were looked at for the route.
func (r *Route) leads() []BackendKey {
	if r.memo == nil {
		return nil
	}
	return r.memo.leads
}

func (r *Route) use(uses map[BackendKey]int, by int) {
	for _, key := range r.leads() {
		uses[key] += by
	}
}

func usesOf(routes []*Route) map[BackendKey]int {
	uses := make(map[BackendKey]int)
	for _, route := range routes {
		route.use(uses, 1)
	}
	return uses
}
