package controller

import (
	"cmp"
	"fmt"
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
	// logged says that an earlier version of it has panicked in the same way.
	logged bool
	// until is when it is tried again, as what it refers to may have been the cause.
	until time.Time
}

func newCulprit(key store.RouteKey, route store.Route, panicked *panicError) culprit {
	return culprit{key: key, uid: route.GetUID(), generation: route.GetGeneration(), panicked: panicked}
}

// standInID is the UID of what stands in for it: neither is taken for the other, nor for
// what stands in for another version of it.
func (c *culprit) standInID() types.UID {
	id := fmt.Sprintf("%s/stand-in/%d", c.uid, c.generation)
	if c.bare {
		id += "/bare"
	}
	return types.UID(id)
}

func (c *culprit) is(route store.Route) bool {
	return route.GetUID() == c.uid && route.GetGeneration() == c.generation
}

// A search for culprits takes as many translations as it needs of all of a Gateway's
// routes, and nothing is remembered of those. So the Gateway is not looked at again for
// searchRest times as long, but for at most longestRest: whoever has a search begin with
// each change takes a tenth of a core of all others, and not all of it.
const (
	searchRest  = 9
	longestRest = 10 * time.Second
)

// culprits are those of all Gateways that were found last. It is safe for concurrent
// use.
type culprits struct {
	mu    sync.Mutex
	found map[types.NamespacedName][]culprit
	rests map[types.NamespacedName]time.Time
}

func newCulprits() *culprits {
	return &culprits{found: make(map[types.NamespacedName][]culprit), rests: make(map[types.NamespacedName]time.Time)}
}

// searched notes how long a search has taken.
func (c *culprits) searched(gateway types.NamespacedName, took time.Duration, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rests[gateway] = now.Add(min(searchRest*took, longestRest))
}

// rest returns how long the Gateway is not to be looked at yet; zero or less is not at all.
func (c *culprits) rest(gateway types.NamespacedName, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rests[gateway].Sub(now)
}

// of returns those of a Gateway that are as they were, and not due to be tried again, and
// of the others the suspects: those that are still there.
func (c *culprits) of(gateway types.NamespacedName, resources *store.Resources, now time.Time) (known, suspects []culprit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, found := range c.found[gateway] {
		switch route := resources.Route(found.key); {
		case route == nil:
		case found.is(route) && now.Before(found.until):
			known = append(known, found)
		default:
			suspects = append(suspects, found)
		}
	}
	return known, suspects
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

// forget drops all that is known of a Gateway.
func (c *culprits) forget(gateway types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.found, gateway)
	delete(c.rests, gateway)
}

// attempt translates resources afresh, and returns nil if that does not panic.
type attempt func(*store.Resources) *panicError

// convict tries routes that panicked in another version, each alone, and returns those
// that still do. Whoever changes such a route over and over is not to have all of its
// Gateway's routes searched each time.
func convict(resources *store.Resources, suspects []culprit, try attempt) (guilty []culprit) {
	for _, suspect := range suspects {
		alone := only(resources, []store.RouteKey{suspect.key})
		panicked := try(alone)
		if panicked == nil {
			continue
		}
		c := newCulprit(suspect.key, resources.Route(suspect.key), panicked)
		c.bare = try(standIn(alone, []culprit{c})) != nil
		c.logged = panicked.Error() == suspect.panicked.Error()
		guilty = append(guilty, c)
	}
	return guilty
}

// isolate finds the routes that make a translation panic, beside those that are known. It
// returns false where the cause is none of the routes. In what is tried last stand-ins are
// in the places of those that were found.
func isolate(resources *store.Resources, known []culprit, try attempt) ([]culprit, bool) {
	found := slices.Clone(known)
	for len(found) <= maxCulprits {
		rest := standIn(resources, found)
		if try(rest) == nil {
			return found, true
		}
		keys := keysOf(rest)
		// The least number of routes that panic ends with one that does.
		n := sort.Search(len(keys)+1, func(n int) bool { return try(only(rest, keys[:n])) != nil })
		if n == 0 || n > len(keys) {
			return nil, false
		}
		key := keys[n-1]
		at := slices.IndexFunc(found, func(c culprit) bool { return c.key == key })
		switch {
		case at < 0:
			found = append(found, newCulprit(key, rest.Route(key), try(only(rest, keys[:n]))))
		case !found[at].bare:
			found[at].bare = true
		default:
			return nil, false
		}
	}
	return nil, false
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
	out := *resources
	out.Edition = nil
	out.HTTPRoutes = make(map[types.NamespacedName]*gatewayv1.HTTPRoute)
	out.GRPCRoutes = make(map[types.NamespacedName]*gatewayv1.GRPCRoute)
	out.L4Routes = make(map[store.RouteKey]store.Route)
	for _, key := range keys {
		switch route := resources.Route(key).(type) {
		case *gatewayv1.HTTPRoute:
			out.HTTPRoutes[key.NamespacedName] = route
		case *gatewayv1.GRPCRoute:
			out.GRPCRoutes[key.NamespacedName] = route
		default:
			out.L4Routes[key] = route
		}
	}
	return &out
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
