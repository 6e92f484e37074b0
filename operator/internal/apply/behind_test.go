package apply_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
)

// What the cache says was ours is not deleted, nor written over, when the API server
// knows that it is not: somebody has put another object in its place.
func TestACacheThatIsBehindCostsNobodyAnObject(t *testing.T) {
	w := newWorld(t)
	w.sync([]string{"created Service fleet"}, service(80))
	cached := w.service("fleet")
	if err := w.client.Delete(t.Context(), cached.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	theirs := service(443)
	theirs.Labels, theirs.Annotations = cached.Labels, cached.Annotations
	theirs.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "theirs", UID: "uid-theirs", Controller: new(true)}}
	if err := w.client.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	before := w.service("fleet")

	live := w.client
	w.applier = apply.New(apply.Options{
		Client: behind(live.(client.WithWatch), cached), Live: live, Kinds: []client.Object{&corev1.Service{}},
	})
	w.sync(nil)
	if result := w.sync(nil, service(8080)); len(result.Conflicts) != 1 || result.Conflicts[0].Owner != "ConfigMap theirs" {
		t.Errorf("the conflicts are %+v", result.Conflicts)
	}
	if diff := cmp.Diff(before, w.service("fleet")); diff != "" {
		t.Errorf("theirs (-before +after):\n%s", diff)
	}
}

// A cache that does not show yet what was created has nothing written again, and nothing
// asked for that would be refused. What is gone in truth is made anew.
func TestACacheThatIsBehindCostsNoWrite(t *testing.T) {
	w := newWorld(t)
	live, writes := w.client.(client.WithWatch), 0
	counted := interceptor.NewClient(live, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			writes++
			return c.Create(ctx, obj, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			writes++
			return c.Patch(ctx, obj, patch, opts...)
		},
		Apply: func(ctx context.Context, c client.WithWatch, obj runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			writes++
			return c.Apply(ctx, obj, opts...)
		},
	})
	w.applier = apply.New(apply.Options{
		Client: behind(counted), Live: live, Kinds: []client.Object{&corev1.Service{}}, Now: func() time.Time { return w.now },
	})
	w.sync([]string{"created Service fleet"}, service(80))
	for range 3 {
		w.sync(nil, service(80))
	}
	if writes != 1 {
		t.Errorf("it takes %d writes", writes)
	}
	w.sync([]string{"applied Service fleet"}, service(8080))
	if err := live.Delete(t.Context(), w.service("fleet")); err != nil {
		t.Fatal(err)
	}
	w.sync([]string{"created Service fleet"}, service(8080))
}

// behind reads what was there before, and writes to what is.
func behind(live client.WithWatch, objects ...client.Object) client.Client {
	past := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithReturnManagedFields().WithObjects(objects...).Build()
	return interceptor.NewClient(live, interceptor.Funcs{
		Get: func(ctx context.Context, _ client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			return past.Get(ctx, key, obj, opts...)
		},
		List: func(ctx context.Context, _ client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			return past.List(ctx, list, opts...)
		},
	})
}
