package controller

import (
	"cmp"
	"slices"
	"sort"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// maxCulprits bounds the search: with more of them the Gateway is given up as a whole.
const maxCulprits = 8

// attempt translates resources afresh, and returns nil if that does not panic.
type attempt func(*store.Resources) *panicError

// convict tries objects that panicked in another version, each with nothing beside it that
// may, and returns those that still do. Whoever changes such an object over and over is not
// to have all that its Gateway has searched each time.
func convict(resources *store.Resources, known, suspects []culprit, try attempt) (guilty []culprit) {
	slices.SortStableFunc(suspects, func(a, b culprit) int { return cmp.Compare(a.rank(), b.rank()) })
	for i, suspect := range suspects {
		around := suspect.around(standIn(resources, slices.Concat(known, guilty, suspects[i+1:])))
		panicked := try(around)
		if panicked == nil {
			continue
		}
		c := newCulprit(suspect.key, resources.Object(suspect.key), panicked)
		c.by = suspect.by
		if try(standIn(around, []culprit{c})) != nil {
			if !c.isRoute() {
				continue // It is something else.
			}
			c.bare = true
		}
		c.logged = panicked.Error() == suspect.panicked.Error()
		guilty = append(guilty, c)
	}
	return guilty
}

// isolate finds what makes a translation panic, beside what is known. It returns false
// where that is the Gateway itself. In what is tried last stand-ins are in the places of
// those that were found.
//
// Routes are looked at first: they are what least depends on.
func isolate(resources *store.Resources, known []culprit, try attempt) ([]culprit, bool) {
	found := slices.Clone(known)
	for len(found) <= maxCulprits {
		rest := standIn(resources, found)
		if try(rest) == nil {
			return found, true
		}
		more, is := oneOfRoutes(rest, found, try)
		if !is {
			more, is = oneOfOthers(only(rest, nil), found, try)
		}
		if !is {
			return nil, false
		}
		found = more
	}
	// Something that many routes lead to.
	found, is := oneOfOthers(standIn(resources, known), known, try)
	return found, is && try(standIn(resources, found)) == nil
}

// oneOfRoutes adds the first route that panics with those before it to what was found, or
// what it leads to if that is the cause. It returns false if the translation panics without
// routes.
func oneOfRoutes(rest *store.Resources, found []culprit, try attempt) ([]culprit, bool) {
	keys := routesOf(rest)
	// The least number of routes that panic ends with one that does.
	n := sort.Search(len(keys)+1, func(n int) bool { return try(only(rest, keys[:n])) != nil })
	if n == 0 || n > len(keys) {
		return nil, false
	}
	if more, is := oneOfOthers(plain(rest, keys[n-1]), found, try); is {
		more[len(more)-1].by = keys[n-1]
		return more, true
	}
	key := store.ObjectKey(keys[n-1])
	at := slices.IndexFunc(found, func(c culprit) bool { return c.key == key })
	switch {
	case at < 0:
		return append(found, newCulprit(key, rest.Object(key), try(only(rest, keys[:n])))), true
	case !found[at].bare:
		found[at].bare = true
		return found, true
	}
	return nil, false
}

// oneOfOthers does so for ListenerSets, policies, XBackends and parameters, with the routes
// that are there.
func oneOfOthers(rest *store.Resources, found []culprit, try attempt) ([]culprit, bool) {
	var keys []store.ObjectKey
	for key := range rest.Others() {
		if _, broken := rest.Broken[key]; !broken {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, compareObjects)
	first := func(n int) *panicError { return try(without(rest, keys[n:])) }
	n := sort.Search(len(keys)+1, func(n int) bool { return first(n) != nil })
	if n == 0 || n > len(keys) {
		return nil, false
	}
	key := keys[n-1]
	return append(slices.Clip(found), newCulprit(key, rest.Object(key), first(n))), true
}

// routesOf are the keys of the routes, in order.
func routesOf(resources *store.Resources) (keys []store.RouteKey) {
	for key := range resources.Routes() {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b store.RouteKey) int { return compareObjects(store.ObjectKey(a), store.ObjectKey(b)) })
	return keys
}

func compareObjects(a, b store.ObjectKey) int {
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
