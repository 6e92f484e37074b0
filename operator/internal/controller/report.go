package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/metrics"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// errUnfinished is returned when every attempt met a newer version.
var errUnfinished = errors.New("others keep changing it")

// StatusManager owns the fields of statuses.
const StatusManager = client.FieldOwner("fleetgate-status")

// statusAttempts bounds how often one call tries again after a conflict.
const statusAttempts = 4

// report writes the Gateway's status and hands those of its routes on. It
// returns how long a status that may wait has to.
func (w *work) report() (wait time.Duration, err error) {
	var set status.Set
	if err := contain(func() { set = w.known.statuses.Build(w.plan.graph, w.observed) }); err != nil {
		w.memories.forget(w.key)
		return 0, err
	}
	if set.Gateway.Routability, err = w.routability(w.ctx); err != nil {
		return 0, err
	}
	// An event about a policy has all read anew.
	samePolicies := w.resources.Since(w.known.heard) != nil
	w.reportRoutes(set.Routes)
	later, err := w.reportSets(set.ListenerSets)
	if err := errors.Join(err, w.reportPolicies(set.Policies, samePolicies)); err != nil {
		return 0, err
	}
	wait, err = w.writeGateway(w.ctx, w.gateway, func(live gatewayv1.GatewayStatus, at conditions.Moment) (gatewayv1.GatewayStatus, bool) {
		return status.MergeGateway(live, set.Gateway, at)
	})
	return shorter(wait, later), err
}

// reportRoutes hands on the statuses of the routes that are not known to have them.
func (w *work) reportRoutes(routes []*status.Route) {
	changes, turn := w.resources.Since(w.known.heard), w.known.statuses.Turn()
	if changes == nil || turn != w.known.turn {
		w.reportNew(routes, changes == nil)
	}
	if changes != nil {
		w.reportChanged(routes, changes)
	}
	w.known.turn, w.known.heard = turn, w.resources.Edition
	for _, route := range w.resources.Detached {
		key, _ := store.KeyOf(route)
		// A default Gateway speaks of routes that do not name it.
		if !slices.ContainsFunc(routes, func(r *status.Route) bool { return r.Kind == key.Kind && r.Name == key.NamespacedName }) {
			w.routes.withdraw(route, speaker{gateway: w.key})
		}
	}
}

// reportChanged looks at the routes that are others than when all were reported last.
func (w *work) reportChanged(routes []*status.Route, changes *store.Changes) {
	for _, key := range slices.AppendSeq(changes.Statuses, maps.Keys(changes.Routes)) {
		at, found := slices.BinarySearchFunc(routes, key, func(r *status.Route, key store.RouteKey) int {
			return compareStatuses(r, &status.Route{Kind: key.Kind, Name: key.NamespacedName})
		})
		if !found {
			continue
		}
		if seen, known := w.known.told.Find(routes[at], compareStatuses); known {
			w.reportRoute(routes[at], seen)
		}
	}
}

// reportNew looks at the routes that are to have another status than before, or at all.
func (w *work) reportNew(routes []*status.Route, all bool) {
	told := w.known.told.Next(len(routes), compareStatuses)
	for _, want := range routes {
		look := all
		seen := told.At(want, func(*status.Route) *sighting { look = true; return &sighting{} })
		if look {
			w.reportRoute(want, seen)
		}
	}
	w.known.told.Keep(told)
}

func (w *work) reportRoute(want *status.Route, seen *sighting) {
	route := w.resources.Route(store.RouteKey{Kind: want.Kind, NamespacedName: want.Name})
	version := route.GetResourceVersion()
	if seen.version != "" && seen.version == version {
		return
	}
	leftOut, differs := w.routes.propose(want, route)
	if seen.version = ""; !leftOut && !differs {
		seen.version = version
	}
	w.events.crowded(w.gateway, route, want.Kind, leftOut)
}

// compareStatuses is the order of a graph's routes.
func compareStatuses(a, b *status.Route) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name.Namespace, b.Name.Namespace), cmp.Compare(a.Name.Name, b.Name.Name))
}

// mergeGateway brings something into a Gateway's status, and says whether that
// changes it.
type mergeGateway func(gatewayv1.GatewayStatus, conditions.Moment) (gatewayv1.GatewayStatus, bool)

// writeGateway brings the Gateway's status up to date. What changes no
// condition waits for its turn: see statusPace.
func (r *GatewayReconciler) writeGateway(ctx context.Context, cached *gatewayv1.Gateway, merge mergeGateway) (time.Duration, error) {
	key := client.ObjectKeyFromObject(cached)
	live := cached
	for range statusAttempts {
		next, changed := merge(live.Status, conditions.At(r.opts.Now(), live))
		if !changed {
			r.agrees(key)
			return 0, nil
		}
		urgent := pressing(live.Status, next)
		if wait := r.early(key, &next); wait > 0 && !urgent {
			return wait, nil
		}
		after := live.DeepCopy()
		after.Status = next
		err := r.patchGateway(ctx, live, after)
		r.opts.Metrics.Status("Gateway", resultOf(err))
		if err == nil {
			r.wroteStatus(after, urgent)
			return r.unsettled(after, merge), nil
		}
		if !apierrors.IsConflict(err) {
			return 0, ignoreGone(err, "Gateway", key)
		}
		live = &gatewayv1.Gateway{}
		if err := r.opts.Live.Get(ctx, key, live); err != nil {
			return 0, ignoreGone(err, "Gateway", key)
		}
		if live.UID != cached.UID {
			return 0, nil // Another Gateway of that name, and another event.
		}
	}
	return 0, fmt.Errorf("writing the status of Gateway %s: %w", key, errUnfinished)
}

// patchGateway gives a Gateway the status that it is to have after live, and is answered
// with its metadata alone. Where the CRD has changed lately, after becomes what the API
// server has kept.
func (r *GatewayReconciler) patchGateway(ctx context.Context, live, after *gatewayv1.Gateway) error {
	if r.reshapedLately() {
		return r.opts.Client.Status().Patch(ctx, after, statusPatch{live}, StatusManager)
	}
	return patchStatus(ctx, &r.opts, live, after)
}

// optimistic is a patch from live that fails when live is out of date.
func optimistic(live client.Object) client.Patch {
	return client.MergeFromWithOptions(live, client.MergeFromWithOptimisticLock{})
}

func resultOf(err error) metrics.Result {
	switch {
	case err == nil:
		return metrics.Written
	case apierrors.IsConflict(err):
		return metrics.Conflict
	default:
		return metrics.Failed
	}
}

func ignoreGone(err error, kind string, key types.NamespacedName) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("writing the status of %s %s: %w", kind, key, err)
}

// early returns how long it is until the Gateway's status may be written for
// something that can wait.
func (r *GatewayReconciler) early(key types.NamespacedName, next *gatewayv1.GatewayStatus) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	pace := r.reported[key]
	if pace == nil {
		return 0
	}
	return pace.wait(next, r.opts.Now())
}

// agrees notes that there was nothing to write.
func (r *GatewayReconciler) agrees(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reported[key] == nil {
		r.reported[key] = &statusPace{}
	}
	r.reported[key].settled()
}

// unreported says whether this process has not had a say in the Gateway's status yet.
func (r *GatewayReconciler) unreported(key types.NamespacedName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.reported[key]
	return !known
}

// wroteStatus notes a write of the Gateway's status, and what that has left.
func (r *GatewayReconciler) wroteStatus(after *gatewayv1.Gateway, urgent bool) {
	key := client.ObjectKeyFromObject(after)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reported[key] == nil {
		r.reported[key] = &statusPace{}
	}
	r.reported[key].wrote(r.opts.Now(), urgent)
	r.reported[key].written = after
}

// newest returns the Gateway with its newest status that is known.
func (r *GatewayReconciler) newest(cached *gatewayv1.Gateway) *gatewayv1.Gateway {
	r.mu.Lock()
	defer r.mu.Unlock()
	if pace := r.reported[client.ObjectKeyFromObject(cached)]; pace != nil {
		return pace.newest(cached, r.opts.Now())
	}
	return cached
}

// giveUp leaves the fleet as it is after a panic and says so on the Gateway. It
// is tried again after the next change, or after a while: the same input would
// panic the same way.
func (r *GatewayReconciler) giveUp(ctx context.Context, gateway *gatewayv1.Gateway, panicked *panicError) (reconcile.Result, error) {
	r.opts.Metrics.Panicked()
	log.FromContext(ctx).Error(panicked, "Translation panicked", "stack", string(panicked.stack))
	what := "The Gateway itself cannot be translated"
	if panicked.with != "" {
		what = "The Gateway cannot be translated with the settings of " + panicked.with
	}
	text := fmt.Sprintf("%s (%s); the last configuration that could be is still served. This is a fault of the operator.", what, panicked)
	r.events.lasts(gateway, TranslationFailed, "Translate", text)
	failed := []metav1.Condition{{
		Type: string(gatewayv1.GatewayConditionProgrammed), Status: metav1.ConditionFalse, Reason: graph.ReasonInternalError,
		Message: conditions.Join([]string{text}), ObservedGeneration: gateway.Generation,
	}}
	wait, err := r.writeGateway(ctx, gateway, func(live gatewayv1.GatewayStatus, at conditions.Moment) (gatewayv1.GatewayStatus, bool) {
		merged := *live.DeepCopy()
		changed := false
		merged.Conditions, changed = conditions.Merge(live.Conditions, failed, nil, at)
		return merged, changed
	})
	if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: max(wait, panicPause)}, nil
}

// panicPause is how long a Gateway whose translation panicked is left alone
// when nothing changes.
const panicPause = 5 * time.Minute
