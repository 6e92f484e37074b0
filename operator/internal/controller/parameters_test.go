package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

func parametersObject(name string, spec v1alpha1.GatewayParametersSpec) *v1alpha1.GatewayParameters {
	return &v1alpha1.GatewayParameters{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, Generation: 1}, Spec: spec}
}

func replicas(n int32) v1alpha1.GatewayParametersSpec {
	return v1alpha1.GatewayParametersSpec{Workload: &v1alpha1.WorkloadParameters{Replicas: &n}}
}

func withOwn(gw *gatewayv1.Gateway, name string) *gatewayv1.Gateway {
	gw.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{ParametersRef: &gatewayv1.LocalParametersReference{
		Group: "fleetgate.io", Kind: "GatewayParameters", Name: name,
	}}
	return gw
}

// parameterize has the class name parameters of the tenant's namespace.
func (w *world) parameterize(class, name string) {
	w.t.Helper()
	live := &gatewayv1.GatewayClass{}
	w.must(w.client.Get(w.t.Context(), types.NamespacedName{Name: class}, live))
	live.Spec.ParametersRef = &gatewayv1.ParametersReference{
		Group: "fleetgate.io", Kind: "GatewayParameters", Namespace: new(gatewayv1.Namespace("tenant")), Name: name,
	}
	w.must(w.client.Update(w.t.Context(), live))
}

// lookAtParameters reconciles parameters and returns "status reason" of their
// condition, the number of their Gateways and the refused fields of the first.
func (w *world) lookAtParameters(name string) string {
	w.t.Helper()
	if _, err := w.parameters.Reconcile(w.t.Context(), request("tenant", name)); err != nil {
		w.t.Fatal(err)
	}
	live := get(w, name, &v1alpha1.GatewayParameters{})
	c := conditions.Find(live.Status.Conditions, v1alpha1.ConditionAccepted)
	if c == nil {
		return ""
	}
	text := fmt.Sprintf("%s %s %d", c.Status, c.Reason, live.Status.AttachedGateways)
	if len(live.Status.Gateways) > 0 {
		for _, r := range live.Status.Gateways[0].Refused {
			text += " " + r.Field
		}
	}
	return text
}

const parametersAccepted = "fleetgate.io/ParametersAccepted"

func TestRefusedParametersAreTold(t *testing.T) {
	ofClass := replicas(3)
	ofClass.Reserved = []v1alpha1.FieldPath{"workload.replicas"}
	w := newWorld(t, withOwn(gateway("gw"), "own"), gateway("plain"), parametersObject("own", replicas(50)), parametersObject("class", ofClass), parametersObject("spare", replicas(1)))
	w.parameterize("fleetgate", "class")

	w.look("gw")
	if got := w.condition("gw", parametersAccepted); got != "False FieldsRefused" {
		t.Errorf("the Gateway says %q", got)
	}
	if event := w.event(); !strings.Contains(event, "ParametersRefused spec.workload.replicas of GatewayParameters tenant/own has no effect: it is reserved") {
		t.Errorf("the Event is %q", event)
	}
	w.look("gw")
	if event := w.event(); event != "" {
		t.Errorf("once more %q", event)
	}
	w.look("plain")
	if got := w.condition("plain", parametersAccepted); got != "True Accepted" {
		t.Errorf("the other Gateway says %q", got)
	}
	for name, want := range map[string]string{
		"own": "False FieldsRefused 1 workload.replicas", "class": "True Accepted 2", "spare": "Unknown Unused 0",
	} {
		if got := w.lookAtParameters(name); got != want {
			t.Errorf("%s says %q, want %q", name, got, want)
		}
	}
	w.take()
	for _, name := range []string{"own", "class", "spare"} {
		w.lookAtParameters(name)
	}
	if writes := w.take(); writes != nil {
		t.Errorf("nothing has changed, and it writes %v", writes)
	}

	own := get(w, "own", &v1alpha1.GatewayParameters{})
	own.Spec, own.Generation = v1alpha1.GatewayParametersSpec{}, 2
	w.must(w.client.Update(t.Context(), own))
	w.look("gw")
	if got := w.condition("gw", parametersAccepted); got != "True Accepted" {
		t.Errorf("granted, the Gateway says %q", got)
	}
	if got := w.lookAtParameters("own"); got != "True Accepted 1" {
		t.Errorf("granted, the parameters say %q", got)
	}
}

// A Gateway without parameters says nothing of any.
func TestGatewayWithoutParameters(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.look("gw")
	if got := w.condition("gw", parametersAccepted); got != "" {
		t.Errorf("it says %q", got)
	}
}

// Parameters that go leave the fleet as it is, and the Gateway says so; the same for
// those of the class.
func TestVanishedParametersLeaveTheFleet(t *testing.T) {
	for _, of := range []string{"own", "class"} {
		t.Run(of, func(t *testing.T) {
			w := newWorld(t, withOwn(gateway("gw"), "own"), parametersObject("own", replicas(3)), parametersObject("class", replicas(2)))
			settings := get(w, of, &v1alpha1.GatewayParameters{})
			settings.Spec.Proxy = &v1alpha1.ProxyParameters{TrustedHops: new(int32(2))}
			w.must(w.client.Update(t.Context(), settings))
			w.parameterize("fleetgate", "class")
			w.look("gw")
			name := fleet("gw").Name()
			before := get(w, name, &appsv1.Deployment{})

			w.must(w.client.Delete(t.Context(), parametersObject(of, v1alpha1.GatewayParametersSpec{})))
			w.take()
			w.look("gw")
			if got := w.condition("gw", "Accepted"); got != "False InvalidParameters" {
				t.Errorf("the Gateway is %q", got)
			}
			if got := w.condition("gw", parametersAccepted); got != "" {
				t.Errorf("of parameters it says %q", got)
			}
			if diff := cmp.Diff(before, get(w, name, &appsv1.Deployment{})); diff != "" {
				t.Errorf("the Deployment (-before +after):\n%s", diff)
			}
			if got := w.stored("gw").Settings; got == nil || got.TrustedHops == nil || *got.TrustedHops != 2 {
				t.Errorf("the proxies get the settings %+v", got)
			}
			if c := conditions.Find(get(w, "gw", &gatewayv1.Gateway{}).Status.Conditions, "Accepted"); !strings.Contains(c.Message, "keep the settings") {
				t.Errorf("the Gateway says %q", c.Message)
			}
			for _, write := range w.take() {
				if strings.HasPrefix(write, "delete") {
					t.Errorf("it writes %q", write)
				}
			}
			if of == "class" {
				if c := conditions.Find(w.class("fleetgate").Status.Conditions, "Accepted"); c == nil || c.Reason != "InvalidParameters" {
					t.Errorf("the class is %+v", c)
				}
			}

			w.must(w.client.Create(t.Context(), parametersObject(of, v1alpha1.GatewayParametersSpec{})))
			w.look("gw")
			if got := w.condition("gw", "Accepted"); got != "True Accepted" {
				t.Errorf("with parameters again the Gateway is %q", got)
			}
			if got := w.stored("gw").Settings; got != nil {
				t.Errorf("with parameters that say nothing the proxies get %+v", got)
			}
		})
	}
}

// A cluster without the CRD says that it is that which is missing.
func TestParametersWithoutTheirCRD(t *testing.T) {
	w := newWorld(t, withOwn(gateway("gw"), "own"), parametersObject("own", replicas(3)))
	kind := v1alpha1.GroupVersion.WithKind("GatewayParameters").GroupKind()
	w.kinds.Set(kind, false)
	w.parameterize("fleetgate", "own")
	w.look("gw")
	c := conditions.Find(get(w, "gw", &gatewayv1.Gateway{}).Status.Conditions, "Accepted")
	if c == nil || c.Reason != "InvalidParameters" || !strings.Contains(c.Message, "the CRD gatewayparameters.fleetgate.io is not installed") {
		t.Errorf("it says %+v", c)
	}
	if c := conditions.Find(w.class("fleetgate").Status.Conditions, "Accepted"); c == nil || !strings.Contains(c.Message, "not installed") {
		t.Errorf("the class says %+v", c)
	}
	w.kinds.Set(kind, true)
	w.look("gw")
	if got := w.condition("gw", "Accepted"); got != "False InvalidParameters" && got != "True Accepted" {
		t.Errorf("with the CRD it is %q", got)
	}
	w.class("fleetgate")
	if got := w.condition("gw", "Accepted"); got != "True Accepted" {
		t.Errorf("with the CRD it is %q", got)
	}
}

// countingQueue counts the requests, and delays none.
type countingQueue struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
	added int
}

func (q *countingQueue) Add(reconcile.Request)                     { q.added++ }
func (q *countingQueue) AddAfter(reconcile.Request, time.Duration) { q.added++ }

// A thousand Gateways of a class do not make a thousand writes to its parameters.
func TestManyGatewaysMakeFewWrites(t *testing.T) {
	w := newWorld(t)
	queue := &countingQueue{}
	w.must(w.parameters.bell.source().Start(t.Context(), queue))
	key := types.NamespacedName{Namespace: "tenant", Name: "class"}
	for i := range 1000 {
		w.now = w.now.Add(3 * time.Millisecond)
		w.parameters.note(types.NamespacedName{Namespace: "tenant", Name: fmt.Sprint(i)}, parametersUse{class: key})
	}
	if queue.added > 4 {
		t.Errorf("3 s of new Gateways ask for %d looks", queue.added)
	}
	queue.added = 0
	w.now = w.now.Add(time.Minute)
	w.parameters.note(types.NamespacedName{Namespace: "tenant", Name: "0"}, parametersUse{class: key})
	if queue.added != 0 {
		t.Error("a look at a Gateway of which nothing has changed asks for one")
	}
	w.parameters.forget(types.NamespacedName{Namespace: "tenant", Name: "0"})
	if queue.added != 1 {
		t.Errorf("a Gateway that goes asks for %d looks", queue.added)
	}
}

// A new process takes what was said of Gateways that it has not looked at yet.
func TestRestartSaysNothingElse(t *testing.T) {
	w := newWorld(t, withOwn(gateway("gw"), "own"), parametersObject("own", v1alpha1.GatewayParametersSpec{
		Proxy: &v1alpha1.ProxyParameters{Image: new("evil")},
	}))
	w.look("gw")
	before := w.lookAtParameters("own")
	w.take()
	w.parameters = newParametersReconciler(w.parameters.opts)
	if got := w.lookAtParameters("own"); got != before || w.take() != nil {
		t.Errorf("it says %q, and said %q", got, before)
	}
}

// A Gateway of another controller's class does not count.
func TestForeignGatewaysDoNotCount(t *testing.T) {
	foreign := withOwn(gateway("foreign"), "own")
	foreign.Spec.GatewayClassName = "other"
	w := newWorld(t, foreign, parametersObject("own", replicas(1)))
	w.parameterize("other", "own")
	if got := w.lookAtParameters("own"); got != "Unknown Unused 0" {
		t.Errorf("they say %q", got)
	}
	if got := parametersOf(t.Context(), &gatewayv1.GatewayClass{}); got != nil {
		t.Errorf("a class without parameters leads to %v", got)
	}
}

func TestParametersLeadToTheirClasses(t *testing.T) {
	w := newWorld(t)
	w.parameterize("fleetgate", "p")
	var names []string
	for _, request := range w.classes.with(t.Context(), client.Object(parametersObject("p", v1alpha1.GatewayParametersSpec{}))) {
		names = append(names, request.Name)
	}
	if diff := cmp.Diff([]string{"fleetgate"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
