package controller

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// speaker is whose proposal it is: a Gateway's, or that of a ListenerSet that has
// no Gateway of ours.
type speaker struct {
	gateway, listenerSet types.NamespacedName
}

// routeReconcilers write the statuses of routes, by the kind's name.
type routeReconcilers map[string]*statusWriter[speaker, status.Route]

func newRouteReconcilers(opts Options) routeReconcilers {
	all := make(routeReconcilers)
	for _, kind := range store.RouteKinds() {
		all[kind.Name] = newStatusWriter[speaker](opts, kind.Name, kind.New, "parents", mergeRoutes)
	}
	return all
}

// withdraw has our entries for a Gateway or a ListenerSet removed from the
// route's status.
func (r routeReconcilers) withdraw(route store.Route, who speaker) {
	key, _ := store.KeyOf(route)
	want := &status.Route{
		Kind: key.Kind, Name: key.NamespacedName, Gateway: who.gateway,
		Controller: gatewayv1.GatewayController(r[key.Kind].opts.ControllerName),
	}
	if who.listenerSet != (types.NamespacedName{}) {
		want.ListenerSets = status.NewSets(who.listenerSet)
	}
	r.proposeBy(who, want, route)
}

// propose has the entries of one Gateway written to the route's status, unless
// they are there. live is the route as it is known. It returns whether there is no
// room for some of the entries, and whether the status is another one.
func (r routeReconcilers) propose(want *status.Route, live store.Route) (leftOut, differs bool) {
	return r.proposeBy(speaker{gateway: want.Gateway}, want, live)
}

func (r routeReconcilers) proposeBy(who speaker, want *status.Route, live store.Route) (leftOut, differs bool) {
	of := r[want.Kind]
	merged, differs := status.MergeRoute(store.StatusOf(live).Parents, want, conditions.At(of.opts.Now(), live))
	of.propose(live, who, want, differs)
	return want.LeftOut(merged), differs
}

// mergeRoutes is the merge of a statusWriter of routes.
func mergeRoutes(live client.Object, wanted []*status.Route, at conditions.Moment) any {
	// What is taken back first may be given by another one.
	slices.SortStableFunc(wanted, func(a, b *status.Route) int { return cmp.Compare(len(a.Parents), len(b.Parents)) })
	parents, changed := store.StatusOf(live).Parents, false
	for _, want := range wanted {
		merged, differs := status.MergeRoute(parents, want, at)
		parents, changed = merged, changed || differs
	}
	if !changed {
		return nil
	}
	return parents
}
