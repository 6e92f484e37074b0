package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// ListenerSetReconciler takes back what was said of a ListenerSet, and in routes
// about it, when it is gone or belongs to no Gateway of ours. Everything else that
// is to be said of one is its Gateway's. It is safe for concurrent use with
// different ListenerSets.
type ListenerSetReconciler struct {
	opts   Options
	routes routeReconcilers
}

// Reconcile implements reconcile.Reconciler. The request names a ListenerSet.
func (r *ListenerSetReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	set := &gatewayv1.ListenerSet{}
	err := r.opts.Reader.Get(ctx, request.NamespacedName, set)
	if apierrors.IsNotFound(err) {
		return reconcile.Result{}, withdrawRoutes(ctx, r.opts, r.routes, request.NamespacedName)
	}
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("reading ListenerSet %s: %w", request, err)
	}
	of, err := r.parent(ctx, set)
	if err != nil || of == parentOurs {
		return reconcile.Result{}, err
	}
	return reconcile.Result{}, withdrawSet(ctx, r.opts, r.routes, set, of)
}

// parent is what a ListenerSet's parentRef leads to.
type parent int

const (
	parentOurs parent = iota
	// parentForeign is for another controller to speak of.
	parentForeign
	parentGone
)

func (r *ListenerSetReconciler) parent(ctx context.Context, set *gatewayv1.ListenerSet) (parent, error) {
	key, ok := store.GatewayOf(set)
	if !ok {
		return parentForeign, nil
	}
	gateway := &gatewayv1.Gateway{}
	if err := r.opts.Reader.Get(ctx, key, gateway); err != nil {
		return parentGone, client.IgnoreNotFound(err)
	}
	class := &gatewayv1.GatewayClass{}
	err := r.opts.Reader.Get(ctx, types.NamespacedName{Name: string(gateway.Spec.GatewayClassName)}, class)
	switch {
	case apierrors.IsNotFound(err):
		return parentOurs, nil // While its class does not exist, everything of a Gateway stays.
	case err != nil:
		return parentOurs, fmt.Errorf("reading GatewayClass %s: %w", gateway.Spec.GatewayClassName, err)
	case string(class.Spec.ControllerName) != r.opts.ControllerName:
		return parentForeign, nil
	}
	return parentOurs, nil
}

// withdrawSet takes back what was said of a ListenerSet that has no Gateway of
// ours.
func withdrawSet(ctx context.Context, opts Options, routes routeReconcilers, set *gatewayv1.ListenerSet, of parent) error {
	return errors.Join(withdrawSetStatus(ctx, &opts, set, of), withdrawRoutes(ctx, opts, routes, client.ObjectKeyFromObject(set)))
}

// withdrawSetStatus leaves what others have written: a ListenerSet's status does
// not name a controller, so that two of them would overwrite each other for ever.
func withdrawSetStatus(ctx context.Context, opts *Options, cached *gatewayv1.ListenerSet, of parent) error {
	want := &status.ListenerSet{Name: client.ObjectKeyFromObject(cached), Generation: cached.Generation}
	if of == parentGone {
		want.Conditions = status.OrphanedListenerSet(cached)
	}
	merge := func(live *gatewayv1.ListenerSet) (_ *gatewayv1.ListenerSet, changed bool) {
		after := live.DeepCopy()
		after.Status, changed = status.MergeListenerSet(live.Status, want, conditions.At(opts.Now(), live))
		return after, changed
	}
	accepted := conditions.Find(cached.Status.Conditions, string(gatewayv1.ListenerSetConditionAccepted))
	if _, changed := merge(cached); !changed || accepted == nil || accepted.Reason == string(gatewayv1.ListenerSetReasonPending) {
		return nil // Pending is what the CRD fills in where nobody says anything.
	}
	live := &gatewayv1.ListenerSet{} // Caches do not keep who wrote what.
	if err := opts.Live.Get(ctx, want.Name, live); err != nil {
		return ignoreGone(err, store.KindListenerSet, want.Name)
	}
	if live.UID != cached.UID {
		return nil
	}
	return writeStatus(ctx, opts, store.KindListenerSet, live, func(live *gatewayv1.ListenerSet) (*gatewayv1.ListenerSet, bool) {
		if !wroteCondition(live, string(gatewayv1.ListenerSetConditionAccepted)) {
			return nil, false
		}
		return merge(live)
	})
}

// wroteCondition says whether the condition of that type in the object's status is
// of our writing.
func wroteCondition(obj client.Object, typ string) bool {
	for _, entry := range obj.GetManagedFields() {
		if entry.Manager != string(StatusManager) || entry.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Status struct {
				Conditions map[string]map[string]any `json:"f:conditions"`
			} `json:"f:status"`
		}
		if json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil || fields.Status.Conditions == nil {
			continue
		}
		// Without a schema the list is one field, which nothing is below.
		_, wrote := fields.Status.Conditions[`k:{"type":"`+typ+`"}`]["f:message"]
		if wrote || len(fields.Status.Conditions) == 0 {
			return true
		}
	}
	return false
}

// withdrawRoutes removes our entries for the ListenerSet from the status of routes.
func withdrawRoutes(ctx context.Context, opts Options, routes routeReconcilers, set types.NamespacedName) error {
	reporting, err := store.ReportingListenerSet(ctx, opts.Reader, set, opts.ControllerName)
	for _, route := range reporting {
		routes.withdraw(route, speaker{listenerSet: set})
	}
	return err
}
