package controller

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// maxCulprits bounds the search: with more of them the Gateway is given up as a whole.
const maxCulprits = 8

// culprit is a route whose translation panics.
type culprit struct {
	key        store.RouteKey
	uid        types.UID
	generation int64
	// bare says that its matches have to go as well.
	bare     bool
	panicked *panicError
	// until is when it is tried again, as what it refers to may have been the cause.
	until time.Time
}

func (c *culprit) is(route store.Route) bool {
	return route != nil && route.GetUID() == c.uid && route.GetGeneration() == c.generation
}

// culprits are those of all Gateways that were found last. It is safe for concurrent
// use.
type culprits struct {
	mu    sync.Mutex
	found map[types.NamespacedName][]culprit
}

func newCulprits() *culprits { return &culprits{found: make(map[types.NamespacedName][]culprit)} }

// of returns those of a Gateway that are as they were, and not due to be tried again.
func (c *culprits) of(gateway types.NamespacedName, resources *store.Resources, now time.Time) []culprit {
	c.mu.Lock()
	found := slices.Clone(c.found[gateway])
	c.mu.Unlock()
	if len(found) == 0 {
		return nil
	}
	return slices.DeleteFunc(found, func(known culprit) bool { return !known.is(resources.Route(known.key)) || !now.Before(known.until) })
}

// set remembers the culprits of a Gateway and returns those that are none any more.
func (c *culprits) set(gateway types.NamespacedName, found []culprit) (over []store.RouteKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, before := range c.found[gateway] {
		if !slices.ContainsFunc(found, func(now culprit) bool { return now.key == before.key }) {
			over = append(over, before.key)
		}
	}
	if len(found) == 0 {
		delete(c.found, gateway)
	} else {
		c.found[gateway] = found
	}
	return over
}

// isolate finds the routes that make a translation panic, beside those that are known,
// and returns them with resources in which stand-ins are in their places. It returns
// nil resources where the cause is none of the routes. try translates afresh.
func isolate(resources *store.Resources, known []culprit, try func(*store.Resources) *panicError) (*store.Resources, []culprit) {
	found := slices.Clone(known)
	for len(found) <= maxCulprits {
		rest := standIn(resources, found)
		panicked := try(rest)
		if panicked == nil {
			return rest, found
		}
		keys := keysOf(rest)
		// The least number of routes that panic ends with one that does.
		n := sort.Search(len(keys)+1, func(n int) bool { return try(only(rest, keys[:n])) != nil })
		if n == 0 || n > len(keys) {
			return nil, nil
		}
		key, route := keys[n-1], rest.Route(keys[n-1])
		at := slices.IndexFunc(found, func(c culprit) bool { return c.key == key })
		switch {
		case at < 0:
			found = append(found, culprit{key: key, uid: route.GetUID(), generation: route.GetGeneration(), panicked: try(only(rest, keys[:n]))})
		case !found[at].bare:
			found[at].bare = true
		default:
			return nil, nil
		}
	}
	return nil, nil
}

// keysOf are the routes in order.
func keysOf(resources *store.Resources) (keys []store.RouteKey) {
	for key := range resources.Routes() {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compareRoutes)
	return keys
}

func compareRoutes(a, b store.RouteKey) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// only returns the resources with these of their routes.
func only(resources *store.Resources, keys []store.RouteKey) *store.Resources {
	kept := make(map[store.RouteKey]bool, len(keys))
	for _, key := range keys {
		kept[key] = true
	}
	out := ownRoutes(resources)
	maps.DeleteFunc(out.HTTPRoutes, func(name types.NamespacedName, _ *gatewayv1.HTTPRoute) bool {
		return !kept[store.RouteKey{Kind: "HTTPRoute", NamespacedName: name}]
	})
	maps.DeleteFunc(out.GRPCRoutes, func(name types.NamespacedName, _ *gatewayv1.GRPCRoute) bool {
		return !kept[store.RouteKey{Kind: "GRPCRoute", NamespacedName: name}]
	})
	maps.DeleteFunc(out.L4Routes, func(key store.RouteKey, _ store.Route) bool { return !kept[key] })
	return out
}

// tellCulprits has the status and an Event tell of routes that cannot be translated.
func (w *work) tellCulprits() {
	for i := range w.culprits {
		c := &w.culprits[i]
		text := fmt.Sprintf("it cannot be translated (%s), and what it matches is answered with 500; this is a fault of the operator", c.panicked)
		w.observed.Untranslated = append(w.observed.Untranslated, proxyconfig.RefusedItem{
			Kind: proxyconfig.KindRoute, RouteKind: c.key.Kind, Name: c.key.NamespacedName.String(), Reason: text,
		})
		w.events.broken(w.gateway, w.resources.Route(c.key), c.key, text)
	}
	for _, key := range w.GatewayReconciler.culprits.set(w.key, w.culprits) {
		w.events.broken(w.gateway, nil, key, "")
	}
}
