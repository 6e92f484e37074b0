package apply_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
)

// world is an Applier on a fake API server, with a clock that only the test
// moves.
type world struct {
	t       *testing.T
	client  client.Client
	applier *apply.Applier
	owner   apply.Owner
	now     time.Time
	absent  client.Object
}

func newWorld(t *testing.T, existing ...client.Object) *world {
	w := &world{t: t, now: time.Unix(1e9, 0)}
	w.client = fake.NewClientBuilder().WithScheme(scheme.Scheme).WithReturnManagedFields().WithObjects(existing...).Build()
	w.owner = owner("uid-1")
	w.applier = apply.New(apply.Options{
		Client: w.client, Live: w.client,
		Kinds:     []client.Object{&corev1.Service{}, &policyv1.PodDisruptionBudget{}},
		Available: func(obj client.Object) bool { return w.absent == nil || !sameType(obj, w.absent) },
		Now:       func() time.Time { return w.now },
	})
	return w
}

func sameType(a, b client.Object) bool {
	_, first := a.(*policyv1.PodDisruptionBudget)
	_, second := b.(*policyv1.PodDisruptionBudget)
	return first == second
}

func owner(uid types.UID) apply.Owner {
	return apply.Owner{
		NamespacedName: types.NamespacedName{Namespace: "tenant", Name: "gw"}, UID: uid,
		Labels:   map[string]string{"gateway": "gw", "class": "a"},
		Selector: map[string]string{"gateway": "gw"},
	}
}

// edit has somebody change the object of the fleet that is of a kind.
func edit[T any, P interface {
	*T
	client.Object
}](w *world, change func(P)) {
	w.t.Helper()
	object := P(new(T))
	if err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: "tenant", Name: "fleet"}, object); err != nil {
		w.t.Fatal(err)
	}
	change(object)
	if err := w.client.Update(w.t.Context(), object, client.FieldOwner("somebody")); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sync(want []string, objects ...client.Object) apply.Result {
	w.t.Helper()
	result, err := w.applier.Sync(w.t.Context(), w.owner, objects)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(want, result.Written); diff != "" {
		w.t.Error("written: " + diff)
	}
	return result
}

func (w *world) service(name string) *corev1.Service {
	w.t.Helper()
	svc := &corev1.Service{}
	if err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: "tenant", Name: name}, svc); err != nil {
		w.t.Fatal(err)
	}
	return svc
}

func (w *world) edit(change func(*corev1.Service)) {
	w.t.Helper()
	svc := w.service("fleet")
	change(svc)
	if err := w.client.Update(w.t.Context(), svc, client.FieldOwner("somebody")); err != nil {
		w.t.Fatal(err)
	}
}

func service(port int32) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "fleet", Namespace: "tenant"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: port, Protocol: corev1.ProtocolTCP}}},
	}
}

func budget() *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "fleet", Namespace: "tenant"},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromInt32(1))},
	}
}

func TestCreateThenNothing(t *testing.T) {
	w := newWorld(t)
	w.sync([]string{"created Service fleet", "created PodDisruptionBudget fleet"}, service(80), budget())
	w.sync(nil, service(80), budget())

	svc := w.service("fleet")
	if !w.owner.Owns(svc) || svc.Labels["gateway"] != "gw" || svc.Annotations[apply.HashAnnotation] == "" {
		t.Errorf("the owner, its label or the hash is missing: %+v", svc.ObjectMeta)
	}
}

func TestChangeIsApplied(t *testing.T) {
	w := newWorld(t)
	w.sync([]string{"created Service fleet"}, service(80))
	w.sync([]string{"applied Service fleet"}, service(8080))
	w.sync(nil, service(8080))
	if ports := w.service("fleet").Spec.Ports; len(ports) != 1 || ports[0].Port != 8080 {
		t.Errorf("got ports %v", ports)
	}
}

// What the Create has set is taken away again by an apply that lacks it: the
// fields of the Create must not stay with it for ever.
func TestDroppedFieldIsRemoved(t *testing.T) {
	w := newWorld(t)
	with := service(80)
	with.Annotations = map[string]string{"old": "yes"}
	w.sync([]string{"created Service fleet"}, with)
	w.sync([]string{"applied Service fleet"}, service(80))
	if got, ok := w.service("fleet").Annotations["old"]; ok {
		t.Errorf("the annotation is still there: %q", got)
	}
}

func TestForeignChangeOfOurFieldIsRepaired(t *testing.T) {
	w := newWorld(t)
	w.sync([]string{"created Service fleet"}, service(80))
	w.edit(func(svc *corev1.Service) { svc.Spec.Ports[0].Port = 81 })
	w.sync([]string{"applied Service fleet"}, service(80))
	w.sync(nil, service(80))
	if got := w.service("fleet").Spec.Ports; len(got) != 1 || got[0].Port != 80 {
		t.Errorf("got ports %v", got)
	}
}

// An object that was seen to be as it is to be is looked at again when it is another one,
// or is to be.
func TestSettledObjectIsLookedAtAgain(t *testing.T) {
	w := newWorld(t)
	w.sync([]string{"created Service fleet"}, service(80))
	for range 2 {
		w.sync(nil, service(80))
	}
	w.edit(func(svc *corev1.Service) { svc.Spec.Ports[0].Port = 81 })
	w.sync([]string{"applied Service fleet"}, service(80))
	w.sync(nil, service(80))
	w.sync([]string{"applied Service fleet"}, service(8080))
	w.sync(nil, service(8080))
	w.owner.Labels = map[string]string{"gateway": "gw", "class": "b"}
	w.sync([]string{"applied Service fleet"}, service(8080))
	w.sync(nil, service(8080))
	if err := w.client.Delete(t.Context(), w.service("fleet")); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
	w.sync([]string{"created Service fleet"}, service(8080))
	if got := w.service("fleet"); got.Labels["class"] != "b" || got.Spec.Ports[0].Port != 8080 {
		t.Errorf("it is %+v", got)
	}
}

func TestForeignFieldStays(t *testing.T) {
	w := newWorld(t)
	w.sync([]string{"created Service fleet"}, service(80))
	w.edit(func(svc *corev1.Service) { svc.Annotations["theirs"] = "yes" })
	w.sync(nil, service(80))
	w.sync([]string{"applied Service fleet"}, service(8080))
	if w.service("fleet").Annotations["theirs"] != "yes" {
		t.Error("somebody's annotation was removed")
	}
}

func TestForeignObjectIsNeverTouched(t *testing.T) {
	theirs := service(443)
	theirs.OwnerReferences = []metav1.OwnerReference{{Kind: "Gateway", Name: "gw", UID: "uid-0", Controller: new(true), APIVersion: "x/v1"}}
	w := newWorld(t, theirs)
	want := []apply.Conflict{{
		Kind: "Service", NamespacedName: types.NamespacedName{Namespace: "tenant", Name: "fleet"}, Owner: "Gateway gw",
	}}
	// An object with our labels and another owner is as foreign as any other.
	w.edit(func(svc *corev1.Service) { svc.Labels = map[string]string{"gateway": "gw"} })
	for range 2 {
		result := w.sync(nil, service(80))
		if diff := cmp.Diff(want, result.Conflicts); diff != "" {
			t.Error(diff)
		}
	}
	w.sync(nil) // Nothing desired: it is still not ours to delete.
	if got := w.service("fleet").Spec.Ports[0].Port; got != 443 {
		t.Errorf("got port %d", got)
	}

	if err := w.client.Delete(t.Context(), w.service("fleet")); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
	if result := w.sync([]string{"created Service fleet"}, service(80)); result.Conflicts != nil {
		t.Errorf("still in conflict: %v", result.Conflicts)
	}
}

func TestUndesiredIsDeleted(t *testing.T) {
	w := newWorld(t)
	w.sync([]string{"created Service fleet", "created PodDisruptionBudget fleet"}, service(80), budget())
	w.sync([]string{"deleted PodDisruptionBudget fleet"}, service(80))
	w.sync([]string{"deleted Service fleet"})
	w.sync(nil)
}

// Objects that are written elsewhere, and known here by their metadata, stay as
// long as they are named, and go like all others when they are not.
func TestKeptObjects(t *testing.T) {
	secret := func(name string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
			Namespace: "tenant", Name: name, Labels: map[string]string{"gateway": "gw", "class": "old"},
			OwnerReferences: []metav1.OwnerReference{owner("uid-1").Reference()},
		}}
	}
	w := newWorld(t, secret("kept"), secret("left"))
	metadata := &metav1.PartialObjectMetadata{}
	metadata.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	applier := apply.New(apply.Options{Client: w.client, Live: w.client, Kinds: []client.Object{metadata}})
	result, err := applier.Sync(t.Context(), w.owner, nil, apply.Kept{Kind: "Secret", Name: "kept"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"deleted Secret left"}, result.Written); diff != "" {
		t.Error(diff)
	}
}

func TestUnavailableKindIsPassedOver(t *testing.T) {
	w := newWorld(t)
	w.absent = &policyv1.PodDisruptionBudget{}
	w.sync([]string{"created Service fleet"}, service(80), budget())
	w.absent = nil
	w.sync([]string{"created PodDisruptionBudget fleet"}, service(80), budget())
}

// normalising answers every write like an API server that stores the value in
// a form of its own.
type normalising struct{ client.Client }

func (n normalising) Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error {
	if err := n.Client.Create(ctx, obj, opts...); err != nil {
		return err
	}
	obj.SetAnnotations(map[string]string{"size": "1", apply.HashAnnotation: obj.GetAnnotations()[apply.HashAnnotation]})
	return n.Update(ctx, obj)
}

func TestNormalisedFieldIsNoChange(t *testing.T) {
	w := newWorld(t)
	w.applier = apply.New(apply.Options{Client: normalising{w.client}, Live: w.client, Kinds: []client.Object{&corev1.Service{}}})
	svc := service(80)
	svc.Annotations = map[string]string{"size": "1000m"}
	w.sync([]string{"created Service fleet"}, svc)
	w.sync(nil, svc)
	w.edit(func(svc *corev1.Service) { svc.Annotations["size"] = "2" })
	w.sync([]string{"applied Service fleet"}, svc)
}

func TestOwnerWithoutUIDOwnsNothing(t *testing.T) {
	svc := service(80)
	svc.OwnerReferences = []metav1.OwnerReference{{Controller: new(true)}}
	if owner("").Owns(svc) {
		t.Error("an owner without a UID owns an object whose owner has none")
	}
}
