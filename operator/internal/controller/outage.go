package controller

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
)

// outagePause is how soon something is tried again that failed for want of an API server.
// Up to as much is added, so that not everything is tried at the same time.
const outagePause = time.Second

// outageReconciler has what failed for want of an API server tried again soon after its
// return. The pauses after other errors double: after half a minute without an API server,
// half a minute more would pass.
type outageReconciler struct{ reconcile.Reconciler }

// Reconcile implements reconcile.Reconciler.
func (r outageReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	result, err := r.Reconciler.Reconcile(ctx, request)
	if !cluster.Away(err) {
		return result, err
	}
	log.FromContext(ctx).V(1).Info("Waited for the API server", "error", err)
	return reconcile.Result{RequeueAfter: wait.Jitter(outagePause, 1)}, nil
}
