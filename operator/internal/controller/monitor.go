package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
)

// monitorCRD is the CRD of ServiceMonitors.
const monitorCRD = "servicemonitors.monitoring.coreos.com"

// establishPause is how soon a CRD that is not served yet is looked at again.
const establishPause = time.Second

// MonitorReconciler follows whether the cluster has ServiceMonitors. When their
// CRD comes, they are watched and made for all fleets; when it goes, the watch
// ends.
type MonitorReconciler struct {
	opts   Options
	cache  cache.Cache
	mapper meta.RESTMapper
	// gateways is the controller that the watch is added to.
	gateways controller.Controller
	watch    watch
	bell     *doorbell

	mu       sync.Mutex
	watching bool
}

// Reconcile implements reconcile.Reconciler. The request names a CRD.
func (r *MonitorReconciler) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	crd := cluster.CRDMetadata()
	err := r.opts.Reader.Get(ctx, client.ObjectKey{Name: monitorCRD}, crd)
	switch {
	case apierrors.IsNotFound(err):
		return reconcile.Result{}, r.stop(ctx)
	case err != nil:
		return reconcile.Result{}, fmt.Errorf("reading the CRD %s: %w", monitorCRD, err)
	case r.watching:
		return reconcile.Result{}, nil
	}
	if _, err := r.mapper.RESTMapping(serviceMonitor, "v1"); err != nil {
		return reconcile.Result{RequeueAfter: establishPause}, nil
	}
	return reconcile.Result{}, r.start(ctx)
}

func (r *MonitorReconciler) start(ctx context.Context) error {
	if err := r.gateways.Watch(source.Kind(r.cache, r.watch.object, r.watch.handler(), r.watch.predicate())); err != nil {
		return fmt.Errorf("watching ServiceMonitors: %w", err)
	}
	r.watching = true
	r.opts.Kinds.Set(serviceMonitor, true)
	log.FromContext(ctx).Info("The cluster has ServiceMonitors; each fleet gets one")
	return r.wakeAll(ctx)
}

func (r *MonitorReconciler) stop(ctx context.Context) error {
	r.opts.Kinds.Set(serviceMonitor, false)
	if !r.watching {
		return nil
	}
	r.watching = false
	log.FromContext(ctx).Info("The cluster has no ServiceMonitors any more")
	if err := r.cache.RemoveInformer(ctx, r.watch.object); err != nil {
		return fmt.Errorf("ending the watch of ServiceMonitors: %w", err)
	}
	return nil
}

func (r *MonitorReconciler) wakeAll(ctx context.Context) error {
	var list gatewayv1.GatewayList
	if err := r.opts.Reader.List(ctx, &list); err != nil {
		return fmt.Errorf("listing Gateways: %w", err)
	}
	for i := range list.Items {
		r.bell.ring(client.ObjectKeyFromObject(&list.Items[i]))
	}
	return nil
}
