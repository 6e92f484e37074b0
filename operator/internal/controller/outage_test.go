package controller

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// What failed while the API server was away is tried again within two seconds, however
// often it has failed, and everything else is left to the queue.
func TestWhatFailedForWantOfAnAPIServerIsTriedAgainSoon(t *testing.T) {
	refused := &url.Error{Op: "Patch", URL: "https://10.96.0.1", Err: syscall.ECONNREFUSED}
	broken := apierrors.NewInternalError(errors.New("a webhook failed"))
	later := reconcile.Result{RequeueAfter: time.Hour}
	tests := []struct {
		result reconcile.Result
		err    error
		soon   bool
	}{
		{later, nil, false},
		{reconcile.Result{}, broken, false},
		{reconcile.Result{}, fmt.Errorf("writing: %w", refused), true},
		{later, errors.Join(broken, fmt.Errorf("writing: %w", refused)), true},
		{reconcile.Result{}, apierrors.NewServiceUnavailable("starting"), true},
	}
	for _, tt := range tests {
		r := outageReconciler{reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) { return tt.result, tt.err })}
		got, err := r.Reconcile(t.Context(), request("tenant", "gw"))
		switch {
		case tt.soon && (err != nil || got.RequeueAfter < outagePause || got.RequeueAfter > 2*outagePause):
			t.Errorf("%v: got %v and %v", tt.err, got, err)
		case !tt.soon && (!errors.Is(err, tt.err) || got != tt.result):
			t.Errorf("%v: got %v and %v, want what it was", tt.err, got, err)
		}
	}
}
