package controller

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/fleetgate/fleetgate/operator/internal/install"
)

// claim starts the claim of an install in the namespace, whose process leads. The channel
// is closed when it stands back.
func (w *world) claim(namespace string) (claim *install.Claim, back <-chan struct{}) {
	w.t.Helper()
	w.must(w.plain.Create(w.t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, UID: "of-" + types.UID(namespace)}}))
	elected, standing, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	close(elected)
	claim = install.New(install.Options{
		Client: w.client, Live: w.client, ControllerName: controllerName, Namespace: namespace, Lease: "lease",
		Elected: elected, StandsBack: func(string) { close(standing) }, Log: logr.Discard(), Now: w.clock,
	})
	ctx, cancel := context.WithCancel(w.t.Context())
	go func() { ended <- claim.Start(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the claim of %s: %v", namespace, err)
		}
	})
	return claim, standing
}

// Of two installs on one API server the second one's controllers do nothing, whatever they
// are asked for, and the first one's do all.
func TestASecondInstallWritesNothing(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("web", "gw"), listenerSet("set", "gw"), web())
	first, _ := w.claim("first")
	<-first.Serving()
	second, back := w.claim("second")
	<-back
	if err := second.Standing(); err == nil {
		t.Error("the second install does not say that it stands back")
	}
	w.take()

	requests := map[reconcile.Reconciler]reconcile.Request{
		w.classes: request("", "fleetgate"), w.gateways: request("tenant", "gw"), w.sets: request("tenant", "set"),
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for reconciler, request := range requests {
		waiting := patientManager{serving: second.Serving()}.patient(reconciler)
		if _, err := waiting.Reconcile(ended, request); !errors.Is(err, context.Canceled) {
			t.Errorf("%T of the second install: %v", reconciler, err)
		}
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	for reconciler, request := range requests {
		waiting := patientManager{serving: second.Serving()}.patient(reconciler)
		if result, err := waiting.Reconcile(late, request); err != nil || result.RequeueAfter == 0 {
			t.Errorf("%T of the second install, after the time of one try: %+v, %v", reconciler, result, err)
		}
	}
	if writes := w.take(); writes != nil {
		t.Errorf("the second install writes %v", writes)
	}
	for reconciler, request := range requests {
		working := patientManager{serving: first.Serving()}.patient(reconciler)
		if _, err := working.Reconcile(t.Context(), request); err != nil {
			t.Errorf("%T of the first install: %v", reconciler, err)
		}
	}
	if writes := w.take(); len(writes) == 0 {
		t.Error("the first install writes nothing")
	}
}
