package apply_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
)

// everyStage are objects of which some need others, in an order that helps nobody.
func everyStage() []client.Object {
	meta := metav1.ObjectMeta{Name: "fleet", Namespace: "tenant"}
	return []client.Object{
		&autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: meta}, deployment(1, "1", "v1"), &rbacv1.RoleBinding{ObjectMeta: meta},
		&rbacv1.Role{ObjectMeta: meta}, &corev1.ServiceAccount{ObjectMeta: meta}, service(80),
	}
}

// creating has an Applier on an API server that is told of each Create before it is made.
func (w *world) creating(told func(kind string)) {
	counted := interceptor.NewClient(w.client.(client.WithWatch), interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			told(obj.GetObjectKind().GroupVersionKind().Kind)
			return c.Create(ctx, obj, opts...)
		},
	})
	w.applier = apply.New(apply.Options{Client: counted, Live: w.client, Now: func() time.Time { return w.now }})
}

// What needs nothing is created at the same time; what needs something, after that.
func TestObjectsAreCreatedTogetherAfterWhatTheyNeed(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	var first, others []string
	all := make(chan struct{})
	w.creating(func(kind string) {
		mu.Lock()
		if len(first) == 3 {
			others = append(others, kind)
			mu.Unlock()
			return
		}
		if first = append(first, kind); len(first) == 3 {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-time.After(time.Minute):
			t.Errorf("%s is created, and others are not at the same time", kind)
		}
	})
	if _, err := w.applier.Sync(t.Context(), w.owner, everyStage()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(first)
	if diff := cmp.Diff([]string{"Role", "Service", "ServiceAccount"}, first); diff != "" {
		t.Error("first: " + diff)
	}
	if diff := cmp.Diff([]string{"RoleBinding", "Deployment", "HorizontalPodAutoscaler"}, others); diff != "" {
		t.Error("others: " + diff)
	}
}

// A panic of one call is an error, and the others are made.
func TestAPanicIsAnError(t *testing.T) {
	w := newWorld(t)
	w.creating(func(kind string) {
		if kind == "Role" {
			panic("of a client")
		}
	})
	result, err := w.applier.Sync(t.Context(), w.owner, everyStage())
	if err == nil || !strings.Contains(err.Error(), "of a client") {
		t.Errorf("got %v", err)
	}
	if len(result.Written) != 5 {
		t.Errorf("it wrote %v", result.Written)
	}
}
