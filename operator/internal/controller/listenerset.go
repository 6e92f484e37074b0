package controller

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// reportSets writes the status of the Gateway's ListenerSets. No other Gateway
// has anything to say of them.
func (w *work) reportSets(wanted []status.ListenerSet) error {
	var errs []error
	for i := range wanted {
		want := &wanted[i]
		errs = append(errs, writeStatus(w.ctx, &w.opts, "ListenerSet", w.resources.ListenerSets[want.Name],
			func(live *gatewayv1.ListenerSet) (_ *gatewayv1.ListenerSet, changed bool) {
				after := live.DeepCopy()
				after.Status, changed = status.MergeListenerSet(live.Status, want, metav1.NewTime(w.opts.Now()))
				return after, changed
			}))
	}
	return errors.Join(errs...)
}

// ListenerSetReconciler takes back what routes say of a ListenerSet that is gone
// or belongs to no Gateway of ours. Everything else that is to be said of one is
// its Gateway's. It is safe for concurrent use with different ListenerSets.
type ListenerSetReconciler struct {
	opts   Options
	routes routeReconcilers
}

// Reconcile implements reconcile.Reconciler. The request names a ListenerSet.
func (r *ListenerSetReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	ours, err := r.ours(ctx, request.NamespacedName)
	if err != nil || ours {
		return reconcile.Result{}, err
	}
	return reconcile.Result{}, withdrawSet(ctx, r.opts, r.routes, request.NamespacedName)
}

func (r *ListenerSetReconciler) ours(ctx context.Context, key types.NamespacedName) (bool, error) {
	set := &gatewayv1.ListenerSet{}
	if err := r.opts.Reader.Get(ctx, key, set); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	parent, ok := store.GatewayOf(set)
	if !ok {
		return false, nil
	}
	gateway := &gatewayv1.Gateway{}
	if err := r.opts.Reader.Get(ctx, parent, gateway); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	class := &gatewayv1.GatewayClass{}
	if err := r.opts.Reader.Get(ctx, types.NamespacedName{Name: string(gateway.Spec.GatewayClassName)}, class); err != nil {
		// While its class does not exist, everything of a Gateway stays.
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	}
	return string(class.Spec.ControllerName) == r.opts.ControllerName, nil
}

// withdrawSet removes our entries for the ListenerSet from the status of routes.
func withdrawSet(ctx context.Context, opts Options, routes routeReconcilers, set types.NamespacedName) error {
	reporting, err := store.ReportingListenerSet(ctx, opts.Reader, set, opts.ControllerName)
	for _, route := range reporting {
		routes.withdraw(route, speaker{listenerSet: set})
	}
	return err
}
