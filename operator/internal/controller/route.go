package controller

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// RouteReconciler writes the status of routes: what the reconciliations of
// their Gateways have proposed, all in one write. It is safe for concurrent use.
type RouteReconciler struct {
	opts Options
	bell *doorbell

	mu sync.Mutex
	// proposed holds, for each route, what each Gateway has to say. Entries go
	// once they are written.
	proposed map[types.NamespacedName]map[types.NamespacedName]*status.Route
}

func newRouteReconciler(opts Options) *RouteReconciler {
	return &RouteReconciler{
		opts: opts, bell: newDoorbell(0, opts.Now),
		proposed: make(map[types.NamespacedName]map[types.NamespacedName]*status.Route),
	}
}

// propose has the entries of one Gateway written to the route's status, unless
// they are there. live is the route's status as it is known.
func (r *RouteReconciler) propose(want *status.Route, live []gatewayv1.RouteParentStatus) {
	_, differs := status.MergeRoute(live, want, metav1.NewTime(r.opts.Now()))
	r.mu.Lock()
	// What was proposed before and is not written yet must not win over what
	// holds now, even if that is what the status says already.
	_, pending := r.proposed[want.Name][want.Gateway]
	if differs || pending {
		if r.proposed[want.Name] == nil {
			r.proposed[want.Name] = make(map[types.NamespacedName]*status.Route)
		}
		r.proposed[want.Name][want.Gateway] = want
	}
	r.mu.Unlock()
	if differs || pending {
		r.bell.ring(want.Name)
	}
}

// withdraw has our entries for the Gateway removed from the route's status.
func (r *RouteReconciler) withdraw(route *gatewayv1.HTTPRoute, gateway types.NamespacedName) {
	r.propose(&status.Route{
		Kind: "HTTPRoute", Name: client.ObjectKeyFromObject(route), Gateway: gateway,
		Controller: gatewayv1.GatewayController(r.opts.ControllerName),
	}, route.Status.Parents)
}

// Reconcile implements reconcile.Reconciler. The request names a route.
func (r *RouteReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	key := request.NamespacedName
	wanted := r.wanted(key)
	route := &gatewayv1.HTTPRoute{}
	err := r.opts.Client.Get(ctx, key, route)
	for range statusAttempts {
		if apierrors.IsNotFound(err) {
			r.done(key, wanted)
			return reconcile.Result{}, nil
		}
		if err != nil {
			return reconcile.Result{}, fmt.Errorf("reading HTTPRoute %s: %w", key, err)
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
		route = &gatewayv1.HTTPRoute{}
		err = r.opts.Live.Get(ctx, key, route)
	}
	return reconcile.Result{}, fmt.Errorf("writing the status of HTTPRoute %s: %w", key, errUnfinished)
}

// write brings the entries into the route's status. It returns false when
// somebody else was faster.
func (r *RouteReconciler) write(ctx context.Context, route *gatewayv1.HTTPRoute, wanted []*status.Route) (bool, error) {
	parents, changed := mergeAll(route.Status.Parents, wanted, metav1.NewTime(r.opts.Now()))
	if !changed {
		return true, nil
	}
	after := route.DeepCopy()
	after.Status.Parents = parents
	err := r.opts.Client.Status().Patch(ctx, after, optimistic(route), StatusManager)
	r.opts.Metrics.Status("HTTPRoute", resultOf(err))
	switch {
	case err == nil || apierrors.IsNotFound(err):
		return true, nil
	case apierrors.IsConflict(err):
		return false, nil
	default:
		return false, fmt.Errorf("writing the status of HTTPRoute %s: %w", client.ObjectKeyFromObject(route), err)
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
	return list
}

// done drops what was written, unless something newer has been proposed.
func (r *RouteReconciler) done(route types.NamespacedName, written []*status.Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.proposed[route]
	for _, want := range written {
		if of[want.Gateway] == want {
			delete(of, want.Gateway)
		}
	}
	if len(of) == 0 {
		delete(r.proposed, route)
	}
}
