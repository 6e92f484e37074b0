package controller

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// RouteReconciler writes the status of the routes of one kind: what the
// reconciliations of their Gateways have proposed, all in one write. It is safe
// for concurrent use.
type RouteReconciler struct {
	opts Options
	kind store.RouteKind
	bell *doorbell

	mu sync.Mutex
	// proposed holds, for each route, what each speaker has to say. Entries go
	// once they are written.
	proposed map[types.NamespacedName]map[speaker]*status.Route
}

// speaker is whose proposal it is: a Gateway's, or that of a ListenerSet that has
// no Gateway of ours.
type speaker struct {
	gateway, listenerSet types.NamespacedName
}

func speakerOf(want *status.Route) speaker {
	if want.Gateway == (types.NamespacedName{}) && len(want.ListenerSets) > 0 {
		return speaker{listenerSet: want.ListenerSets[0]}
	}
	return speaker{gateway: want.Gateway}
}

func newRouteReconciler(opts Options, kind store.RouteKind) *RouteReconciler {
	return &RouteReconciler{
		opts: opts, kind: kind, bell: newDoorbell(0, opts.Now),
		proposed: make(map[types.NamespacedName]map[speaker]*status.Route),
	}
}

// routeReconcilers are those of all kinds, by the kind's name.
type routeReconcilers map[string]*RouteReconciler

func newRouteReconcilers(opts Options) routeReconcilers {
	all := make(routeReconcilers)
	for _, kind := range store.RouteKinds() {
		all[kind.Name] = newRouteReconciler(opts, kind)
	}
	return all
}

// withdraw has our entries for a Gateway or a ListenerSet removed from the
// route's status.
func (r routeReconcilers) withdraw(route store.Route, who speaker) {
	key, _ := store.KeyOf(route)
	of := r[key.Kind]
	want := &status.Route{
		Kind: key.Kind, Name: key.NamespacedName, Gateway: who.gateway,
		Controller: gatewayv1.GatewayController(of.opts.ControllerName),
	}
	if who.listenerSet != (types.NamespacedName{}) {
		want.ListenerSets = []types.NamespacedName{who.listenerSet}
	}
	of.propose(want, store.StatusOf(route).Parents)
}

// propose has the entries of one Gateway written to the route's status, unless
// they are there. live is the route's status as it is known.
func (r *RouteReconciler) propose(want *status.Route, live []gatewayv1.RouteParentStatus) {
	_, differs := status.MergeRoute(live, want, metav1.NewTime(r.opts.Now()))
	who := speakerOf(want)
	r.mu.Lock()
	// What was proposed before and is not written yet must not win over what
	// holds now, even if that is what the status says already.
	_, pending := r.proposed[want.Name][who]
	if differs || pending {
		if r.proposed[want.Name] == nil {
			r.proposed[want.Name] = make(map[speaker]*status.Route)
		}
		r.proposed[want.Name][who] = want
	}
	r.mu.Unlock()
	if differs || pending {
		r.bell.ring(want.Name)
	}
}

// Reconcile implements reconcile.Reconciler. The request names a route.
func (r *RouteReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	key := request.NamespacedName
	wanted := r.wanted(key)
	route := r.kind.New()
	if !r.opts.Kinds.Available(route) {
		r.done(key, wanted)
		return reconcile.Result{}, nil
	}
	err := r.opts.Client.Get(ctx, key, route)
	for range statusAttempts {
		if apierrors.IsNotFound(err) {
			r.done(key, wanted)
			return reconcile.Result{}, nil
		}
		if err != nil {
			return reconcile.Result{}, fmt.Errorf("reading %s %s: %w", r.kind.Name, key, err)
		}
		var written bool
		written, err = r.write(ctx, route, wanted)
		if err != nil {
			return reconcile.Result{}, err
		}
		if written {
			r.done(key, wanted)
			return reconcile.Result{}, nil
		}
		route = r.kind.New()
		err = r.opts.Live.Get(ctx, key, route)
	}
	return reconcile.Result{}, fmt.Errorf("writing the status of %s %s: %w", r.kind.Name, key, errUnfinished)
}

// write brings the entries into the route's status. It returns false when
// somebody else was faster.
func (r *RouteReconciler) write(ctx context.Context, route store.Route, wanted []*status.Route) (bool, error) {
	parents, changed := mergeAll(store.StatusOf(route).Parents, wanted, metav1.NewTime(r.opts.Now()))
	if !changed {
		return true, nil
	}
	after := route.DeepCopyObject().(store.Route)
	store.StatusOf(after).Parents = parents
	err := r.opts.Client.Status().Patch(ctx, after, optimistic(route), StatusManager)
	r.opts.Metrics.Status(r.kind.Name, resultOf(err))
	switch {
	case err == nil || apierrors.IsNotFound(err):
		return true, nil
	case apierrors.IsConflict(err):
		return false, nil
	default:
		return false, fmt.Errorf("writing the status of %s %s: %w", r.kind.Name, client.ObjectKeyFromObject(route), err)
	}
}

func mergeAll(live []gatewayv1.RouteParentStatus, wanted []*status.Route, now metav1.Time) ([]gatewayv1.RouteParentStatus, bool) {
	parents, changed := live, false
	for _, want := range wanted {
		merged, differs := status.MergeRoute(parents, want, now)
		parents, changed = merged, changed || differs
	}
	return parents, changed
}

func (r *RouteReconciler) wanted(route types.NamespacedName) []*status.Route {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*status.Route
	for _, want := range r.proposed[route] {
		list = append(list, want)
	}
	// What is taken back first may be given by another one.
	slices.SortStableFunc(list, func(a, b *status.Route) int { return cmp.Compare(len(a.Parents), len(b.Parents)) })
	return list
}

// done drops what was written, unless something newer has been proposed.
func (r *RouteReconciler) done(route types.NamespacedName, written []*status.Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.proposed[route]
	for _, want := range written {
		if who := speakerOf(want); of[who] == want {
			delete(of, who)
		}
	}
	if len(of) == 0 {
		delete(r.proposed, route)
	}
}
