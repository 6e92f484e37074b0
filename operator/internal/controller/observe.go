package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// observe gathers what is known of the fleet.
func (w *work) observe() {
	service := &corev1.Service{}
	err := w.opts.Client.Get(w.ctx, types.NamespacedName{Namespace: w.key.Namespace, Name: w.names.Name()}, service)
	switch {
	case err == nil && w.owner.Owns(service):
		w.observed.Addresses = status.ServiceAddresses(service)
		w.observed.ClusterAddresses = status.ServiceClusterAddresses(service)
	case err != nil && !apierrors.IsNotFound(err):
		w.errs = append(w.errs, fmt.Errorf("reading the Service of %s: %w", w.key, err))
	}
	w.observed.Wanted = w.live.wanted(w.plan.desired.Objects, int(w.opts.Settings.Replicas))
	w.observed.Repaired, w.repairLeft = w.repairs.recent(w.key, w.started)
	if !w.live.any() && !w.plan.graph.Gateway.Accepted() {
		w.tracker.Forget(w.key)
		return
	}
	w.follow()
	fleet := w.tracker.Fleet(w.key)
	w.unheard = fleet.Unheard()
	w.observed.Ready, w.observed.Serving = fleet.Ready(w.observed.Hash)
	w.observed.Refused, w.observed.Rejected, w.observed.Hostnames = fleet.Refused(), fleet.Rejected(), fleet.Hostnames()
	w.surpass(fleet)
}

// clocksDiffer is by how much a revision, which is taken from the clock, may be ahead of it.
const clocksDiffer = 24 * time.Hour

// surpass has the configuration stored anew if the proxies have a later one, of which
// nothing is known here any more.
func (w *work) surpass(fleet proxies.Fleet) {
	ahead := fleet.Ahead(w.observed.Hash, w.revision, w.started.Add(clocksDiffer).UnixMilli())
	if w.revision == 0 || ahead == 0 {
		return
	}
	w.writer.Surpass(w.key, ahead)
	w.bell.ring(w.key)
}

// follow has the Tracker ask the pods of the fleet.
func (w *work) follow() {
	admin, err := w.writer.Admin(w.ctx, w.owner, w.names.AdminSecret(), w.names.Name())
	if err != nil {
		w.note(err)
		return
	}
	w.renewAt = admin.RenewAt
	access := proxies.Access{
		GatewayUID: string(w.gateway.UID), ServerName: admin.ServerName, Authorities: admin.Authorities,
		Token: func() string { return string(admin.Token) },
	}
	if err := w.tracker.Sync(w.key, access, w.pods); err != nil {
		w.errs = append(w.errs, fmt.Errorf("following the pods of %s: %w", w.key, err))
	}
	w.tracker.Want(w.key, w.observed.Wanted)
}

// podsOf returns the pods of the Gateway's fleet as the cache has them.
func (r *GatewayReconciler) podsOf(ctx context.Context, gateway *gatewayv1.Gateway) ([]proxies.Pod, error) {
	var list corev1.PodList
	selector := client.MatchingLabels(names.Selector(gateway.Name, string(gateway.Spec.GatewayClassName)))
	if err := r.opts.Client.List(ctx, &list, client.InNamespace(gateway.Namespace), selector); err != nil {
		return nil, fmt.Errorf("listing the pods of %s/%s: %w", gateway.Namespace, gateway.Name, err)
	}
	// None is known, which is not the same as unknown.
	pods := make([]proxies.Pod, len(list.Items))
	for i := range list.Items {
		pods[i] = proxies.FromPod(&list.Items[i])
	}
	return pods, nil
}
