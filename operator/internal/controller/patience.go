package controller

import (
	"context"
	"errors"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// patientManager is a manager whose controllers do nothing before serving is closed: they
// fill their caches and queues, and wait with the first object in hand. Nil is for
// controllers that need not wait.
type patientManager struct {
	manager.Manager
	serving <-chan struct{}
}

func (m patientManager) patient(r reconcile.Reconciler) reconcile.Reconciler {
	if m.serving == nil {
		return r
	}
	return patientReconciler{r, m.serving}
}

type patientReconciler struct {
	reconcile.Reconciler
	serving <-chan struct{}
}

// Reconcile implements reconcile.Reconciler.
func (r patientReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	select {
	case <-r.serving:
		return r.Reconciler.Reconcile(ctx, request)
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return reconcile.Result{RequeueAfter: time.Millisecond}, nil // The time of this try is over.
		}
		return reconcile.Result{}, ctx.Err()
	}
}
