package apply_test

import (
	"context"
	"errors"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
)

// deployment is one with a number of replicas, of which the annotation says who decides.
func deployment(replicas int32, decides, image string) *appsv1.Deployment {
	labels := map[string]string{"app": "proxy"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "fleet", Namespace: "tenant", Annotations: map[string]string{"fleetgate.io/replicas": decides}},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "proxy", Image: image}}},
			},
		},
	}
}

func (w *world) replicas(want int32) {
	w.t.Helper()
	d := &appsv1.Deployment{}
	if err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: "tenant", Name: "fleet"}, d); err != nil {
		w.t.Fatal(err)
	}
	if d.Spec.Replicas == nil || *d.Spec.Replicas != want {
		w.t.Errorf("got %v replicas, want %d", d.Spec.Replicas, want)
	}
}

// scale does what autoscalers and kubectl scale do.
func (w *world) scale(replicas int32) {
	w.t.Helper()
	d := &appsv1.Deployment{}
	get := func() {
		if err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: "tenant", Name: "fleet"}, d); err != nil {
			w.t.Fatal(err)
		}
	}
	get()
	scale := &autoscalingv1.Scale{ObjectMeta: d.ObjectMeta, Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
	if err := w.client.SubResource("scale").Update(w.t.Context(), d, client.WithSubResourceBody(scale), client.FieldOwner("scaler")); err != nil {
		w.t.Fatal(err)
	}
	get()
	// The API server notes the subresource; the fake one leaves it out.
	for i := range d.ManagedFields {
		if d.ManagedFields[i].Manager == "scaler" {
			d.ManagedFields[i].Subresource = "scale"
		}
	}
	if err := w.client.Update(w.t.Context(), d, client.FieldOwner("scaler")); err != nil {
		w.t.Fatal(err)
	}
}

func TestAutoscaledReplicasAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.sync([]string{"created Deployment fleet"}, deployment(3, "autoscaled", "v1"))
	w.replicas(3)
	// Nobody has scaled yet: what we drop must not fall to its default.
	w.sync([]string{"applied Deployment fleet"}, deployment(3, "autoscaled", "v2"))
	w.replicas(3)
	w.scale(7)
	w.sync(nil, deployment(3, "autoscaled", "v2"))
	w.sync([]string{"applied Deployment fleet"}, deployment(4, "autoscaled", "v3"))
	w.replicas(7)
	w.sync([]string{"applied Deployment fleet"}, deployment(2, "2", "v3"))
	w.replicas(2)
}

func TestAnAutoscalerTakesOver(t *testing.T) {
	w := newWorld(t)
	w.sync([]string{"created Deployment fleet"}, deployment(5, "5", "v1"))
	w.sync([]string{"applied Deployment fleet"}, deployment(2, "autoscaled", "v1"))
	w.replicas(5)
	w.sync([]string{"applied Deployment fleet"}, deployment(2, "autoscaled", "v2"))
	w.replicas(5)
}

func TestScaledReplicasStayUntilAnotherNumberIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.sync([]string{"created Deployment fleet"}, deployment(2, "2", "v1"))
	w.scale(6)
	w.sync(nil, deployment(2, "2", "v1"))
	w.sync([]string{"applied Deployment fleet"}, deployment(2, "2", "v2"))
	w.replicas(6)
	w.sync([]string{"applied Deployment fleet"}, deployment(3, "3", "v2"))
	w.replicas(3)
}

func TestWithAnAutoscalerOfTheUsersAlsoThen(t *testing.T) {
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "theirs"}}
	hpa.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "fleet"}
	w := newWorld(t, hpa)
	w.sync([]string{"created Deployment fleet"}, deployment(2, "2", "v1"))
	w.scale(6)
	w.sync([]string{"applied Deployment fleet"}, deployment(3, "3", "v1"))
	w.replicas(6)
	w.sync(nil, deployment(3, "3", "v1"))
}

// One whose autoscaler was ours has no autoscaler any more.
func TestOurOwnAutoscalerDoesNotCount(t *testing.T) {
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{
		Namespace: "tenant", Name: "fleet", OwnerReferences: []metav1.OwnerReference{owner("uid-1").Reference()},
	}}
	hpa.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "fleet"}
	w := newWorld(t, hpa)
	w.sync([]string{"created Deployment fleet"}, deployment(2, "autoscaled", "v1"))
	w.scale(6)
	w.sync([]string{"applied Deployment fleet"}, deployment(3, "3", "v1"))
	w.replicas(3)
}

func TestAllErrorsAreTold(t *testing.T) {
	w := newWorld(t)
	w.applier = apply.New(apply.Options{Client: refusing{w.client}, Live: w.client})
	result, err := w.applier.Sync(t.Context(), w.owner, []client.Object{service(80), deployment(1, "1", "v1"), budget()})
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) != 2 {
		t.Errorf("got the error %v", err)
	}
	if len(result.Written) != 1 || result.Written[0] != "created Deployment fleet" {
		t.Errorf("got %v written", result.Written)
	}
}

// refusing is an API server that finds everything but Deployments invalid.
type refusing struct{ client.Client }

func (r refusing) Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error {
	if obj.GetObjectKind().GroupVersionKind().Kind == "Deployment" {
		return r.Client.Create(ctx, obj, opts...)
	}
	return apierrors.NewInvalid(obj.GetObjectKind().GroupVersionKind().GroupKind(), obj.GetName(), nil)
}
