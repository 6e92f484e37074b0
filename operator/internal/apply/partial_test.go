package apply_test

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
)

// bundle is a ConfigMap of the fleet.
func bundle(text string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: "fleet"}, Data: map[string]string{"ca.crt": text},
	}
}

// An object of which the cache holds the metadata alone is read when somebody has touched
// it, or by a process that knows nothing of it, and else not.
func TestOfMetadataObjectsAreReadWhenTheyHaveChanged(t *testing.T) {
	w, reads := newWorld(t), 0
	kind := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}}
	cached := interceptor.NewClient(w.client.(client.WithWatch), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if _, partial := obj.(*metav1.PartialObjectMetadata); !partial {
				return fmt.Errorf("the cache has no %T", obj)
			}
			return c.Get(ctx, key, obj, opts...)
		},
	})
	live := interceptor.NewClient(w.client.(client.WithWatch), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			reads++
			return c.Get(ctx, key, obj, opts...)
		},
	})
	start := func() {
		w.applier = apply.New(apply.Options{Client: cached, Live: live, Kinds: []client.Object{kind}})
	}
	sync := func(what string, atMost int, want []string, object client.Object) {
		t.Helper()
		reads = 0
		w.sync(want, object)
		if reads > atMost {
			t.Errorf("%s takes %d reads of the API server, want %d", what, reads, atMost)
		}
	}
	start()
	sync("a creation", 0, []string{"created ConfigMap fleet"}, bundle("a"))
	sync("the same again", 0, nil, bundle("a"))
	start()
	sync("a restart", 1, nil, bundle("a"))
	sync("the same again", 0, nil, bundle("a"))
	edit(w, func(there *corev1.ConfigMap) { there.Annotations["theirs"] = "yes" })
	sync("what somebody has added", 1, nil, bundle("a"))
	edit(w, func(there *corev1.ConfigMap) { there.Data["ca.crt"] = "theirs" })
	sync("what somebody has changed", 2, []string{"applied ConfigMap fleet"}, bundle("a"))
	sync("the same again", 0, nil, bundle("a"))
	sync("another one", 1, []string{"applied ConfigMap fleet"}, bundle("b"))
}
