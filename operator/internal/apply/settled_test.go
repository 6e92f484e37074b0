package apply_test

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
)

// mirroring is an API server that counts specs, and on which somebody has images come from
// elsewhere. It answers a Create with the metadata alone.
func mirroring(c client.Client) client.Client {
	return interceptor.NewClient(c.(client.WithWatch), interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			stored := obj.DeepCopyObject().(*appsv1.Deployment)
			stored.Generation = 1
			stored.Spec.Template.Spec.Containers[0].Image = "mirror/" + stored.Spec.Template.Spec.Containers[0].Image
			if err := c.Create(ctx, stored, opts...); err != nil {
				return err
			}
			obj.(*appsv1.Deployment).ObjectMeta = stored.ObjectMeta
			return nil
		},
	})
}

// What was made of an object at its creation stays settled while only its status changes,
// and what others add to its metadata. A change of the spec, or of what is ours of the
// metadata, does not.
func TestAChangedStatusIsNoChange(t *testing.T) {
	w := newWorld(t)
	w.applier = apply.New(apply.Options{Client: mirroring(w.client), Live: w.client})
	w.sync([]string{"created Deployment fleet"}, deployment(2, "2", "v1"))
	edit(w, func(d *appsv1.Deployment) { d.Annotations["deployment.kubernetes.io/revision"] = "1" })
	w.sync(nil, deployment(2, "2", "v1"))

	for name, change := range map[string]func(*appsv1.Deployment){
		"label":      func(d *appsv1.Deployment) { delete(d.Labels, "gateway") },
		"annotation": func(d *appsv1.Deployment) { d.Annotations["fleetgate.io/replicas"] = "3" },
		"spec":       func(d *appsv1.Deployment) { d.Generation++; d.Spec.Template.Spec.Containers[0].Image = "theirs" },
	} {
		t.Run(name, func(t *testing.T) {
			edit(w, change)
			w.sync([]string{"applied Deployment fleet"}, deployment(2, "2", "v1"))
			w.sync(nil, deployment(2, "2", "v1"))
		})
	}
}
