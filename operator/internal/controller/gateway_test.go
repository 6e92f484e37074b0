package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/metrics"
	"github.com/fleetgate/fleetgate/operator/internal/names"
)

func TestFleetIsMadeOnce(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("web", "gw"))
	w.look("gw")
	want := []string{
		"create gw-fleetgate", "create gw-fleetgate", "create gw-fleetgate", "create gw-fleetgate", "create gw-fleetgate",
		"create gw-fleetgate", "create gw-fleetgate", "create gw-fleetgate-admin", "create gw-fleetgate-config",
		"create gw-fleetgate-metrics", "status gw", "status web",
	}
	if diff := cmp.Diff(want, w.take()); diff != "" {
		t.Error(diff)
	}
	if got := w.condition("gw", "Accepted"); got != "True Accepted" {
		t.Errorf("Accepted is %s", got)
	}
	if got := w.condition("gw", "Programmed"); got != "False AddressNotAssigned" {
		t.Errorf("Programmed is %s", got)
	}
	if diff := cmp.Diff([]string{"gw of " + controllerName}, w.parents("web")); diff != "" {
		t.Error(diff)
	}
	w.now = w.now.Add(time.Minute)
	w.look("gw")
	if writes := w.take(); writes != nil {
		t.Errorf("nothing has changed, and it writes %v", writes)
	}
}

// A route's change costs the write of the configuration and of the route's
// status; the Gateway's count follows, of one without proxies within three seconds.
func TestRouteChangeWritesLittle(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.look("gw")
	w.take()
	w.must(w.client.Create(t.Context(), route("web", "gw")))
	w.take()
	result := w.look("gw")
	if diff := cmp.Diff([]string{"status web", "update gw-fleetgate-config"}, w.take()); diff != "" {
		t.Error(diff)
	}
	if result.RequeueAfter <= 0 || result.RequeueAfter > comingUpCalm {
		t.Errorf("to be looked at again after %v", result.RequeueAfter)
	}
	w.now = w.now.Add(result.RequeueAfter)
	w.look("gw")
	if diff := cmp.Diff([]string{"status gw"}, w.take()); diff != "" {
		t.Error(diff)
	}
	if got := get(w, "gw", &gatewayv1.Gateway{}).Status.Listeners[0].AttachedRoutes; got != 1 {
		t.Errorf("%d attached routes", got)
	}
}

func TestRefusedListenerDoesNotWait(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.look("gw")
	gw := get(w, "gw", &gatewayv1.Gateway{})
	gw.Spec.Listeners[0].Protocol = "example.com/unknown"
	gw.Generation = 2
	w.must(w.client.Update(t.Context(), gw))
	w.look("gw")
	if got := w.condition("gw", "Accepted"); got != "False ListenersNotValid" {
		t.Errorf("Accepted is %s", got)
	}
	// The fleet stays, and is told that nothing is left to serve.
	if !w.exists("gw-fleetgate", &appsv1.Deployment{}) || !w.exists("gw-fleetgate", &corev1.Service{}) {
		t.Error("the fleet is gone")
	}
	if config := w.stored("gw"); len(config.Listeners) != 0 {
		t.Errorf("still configured: %+v", config.Listeners)
	}
}

func TestGatewayThatWasNeverAcceptedGetsNoFleet(t *testing.T) {
	gw := gateway("gw")
	gw.Spec.Listeners[0].Protocol = "example.com/unknown"
	w := newWorld(t, gw)
	w.look("gw")
	if diff := cmp.Diff([]string{"status gw"}, w.take()); diff != "" {
		t.Error(diff)
	}
}

// stored decodes the configuration of a Gateway.
func (w *world) stored(gateway string) *proxyconfig.Config {
	w.t.Helper()
	_, config := w.document(gateway)
	return config
}

// document decodes what is stored of a Gateway.
func (w *world) document(gateway string) (*proxyconfig.Document, *proxyconfig.Config) {
	w.t.Helper()
	live := get(w, fleet(gateway).ConfigMap(), &corev1.ConfigMap{})
	document, config, _, err := proxyconfig.Decode([]byte(live.Data[proxyconfig.ConfigKey]))
	w.must(err)
	return document, config
}

func TestPanicBecomesAConditionAndAnEvent(t *testing.T) {
	w := newWorld(t, gateway("gw"), gateway("other"))
	w.look("gw")
	w.look("other")
	w.take()
	w.panics[request("tenant", "gw").NamespacedName] = true
	for range 2 {
		w.look("gw")
	}
	if diff := cmp.Diff([]string{"status gw"}, w.take()); diff != "" {
		t.Error(diff)
	}
	if got := w.condition("gw", "Programmed"); got != "False InternalError" {
		t.Errorf("Programmed is %s", got)
	}
	if event := w.event(); !strings.HasPrefix(event, "Warning TranslationFailed") || !strings.Contains(event, "a bug") {
		t.Errorf("got event %q", event)
	}
	if config := w.stored("gw"); len(config.Listeners) != 1 {
		t.Errorf("the last configuration is gone: %+v", config)
	}

	w.look("other")
	if got := w.condition("other", "Accepted"); got != "True Accepted" {
		t.Errorf("the other Gateway's Accepted is %s", got)
	}
	w.panics = nil
	w.look("gw")
	if got := w.condition("gw", "Programmed"); got != "False AddressNotAssigned" {
		t.Errorf("after the panic Programmed is %s", got)
	}
}

func TestForeignObjectBecomesAConditionAndAnEvent(t *testing.T) {
	theirs := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "gw-fleetgate"}}
	theirs.Spec.Ports = []corev1.ServicePort{{Port: 443}}
	w := newWorld(t, gateway("gw"), theirs)
	for range 2 {
		if result := w.look("gw"); result.RequeueAfter != conflictPause {
			t.Errorf("to be looked at again after %v", result.RequeueAfter)
		}
	}
	if event := w.event(); !strings.HasPrefix(event, "Warning ForeignObject Service tenant/gw-fleetgate") {
		t.Errorf("got event %q", event)
	}
	if got := w.condition("gw", "Programmed"); got != "False NoResources" {
		t.Errorf("Programmed is %s", got)
	}
	if svc := get(w, "gw-fleetgate", &corev1.Service{}); svc.Spec.Ports[0].Port != 443 || svc.OwnerReferences != nil {
		t.Errorf("the foreign Service was changed: %+v", svc)
	}
}

func TestForeignConfigMapIsReported(t *testing.T) {
	w := newWorld(t, gateway("gw"), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "gw-fleetgate-config"}})
	w.look("gw")
	if event := w.event(); !strings.HasPrefix(event, "Warning ForeignObject ConfigMap tenant/gw-fleetgate-config") {
		t.Errorf("got event %q", event)
	}
	if w.exists("gw-fleetgate-config", &corev1.ConfigMap{}) && !w.exists("gw-fleetgate", &appsv1.Deployment{}) {
		t.Error("the rest of the fleet was not made")
	}
}

func TestCorruptedConfigIsRepaired(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.look("gw")
	live := get(w, "gw-fleetgate-config", &corev1.ConfigMap{})
	live.Data[proxyconfig.ConfigKey] = "{}"
	w.must(w.client.Update(t.Context(), live))
	w.look("gw")
	if event := w.event(); !strings.HasPrefix(event, "Warning ConfigRepaired ConfigMap gw-fleetgate-config") {
		t.Errorf("got event %q", event)
	}
	if config := w.stored("gw"); len(config.Listeners) != 1 {
		t.Errorf("got %+v", config)
	}
	told := func() bool { return strings.Contains(w.programmedMessage("gw"), "was replaced") }
	w.now = w.now.Add(comingUpCalm)
	if result := w.look("gw"); !told() || result.RequeueAfter <= 0 || result.RequeueAfter > repairShown {
		t.Errorf("the status says %q and is looked at again after %s", w.programmedMessage("gw"), result.RequeueAfter)
	}
	w.now = w.now.Add(repairShown)
	if w.lookTwice("gw"); told() {
		t.Errorf("long after, the status still says %q", w.programmedMessage("gw"))
	}
}

// programmedMessage is what the Gateway's Programmed condition says.
func (w *world) programmedMessage(name string) string {
	live := get(w, name, &gatewayv1.Gateway{})
	return conditions.Find(live.Status.Conditions, string(gatewayv1.GatewayConditionProgrammed)).Message
}

func TestServiceMonitorComesWithItsKind(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.look("gw")
	if w.exists("gw-fleetgate", &monitoringv1.ServiceMonitor{}) {
		t.Error("a ServiceMonitor without its kind")
	}
	w.take()
	w.kinds.Set(serviceMonitor, true)
	w.look("gw")
	if diff := cmp.Diff([]string{"create gw-fleetgate", "status gw"}, w.take()); diff != "" {
		t.Error(diff)
	}
	if !w.exists("gw-fleetgate", &monitoringv1.ServiceMonitor{}) {
		t.Error("no ServiceMonitor")
	}
}

func TestClassChangeTakesEverythingBack(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("web", "gw"))
	w.look("gw")
	gw := get(w, "gw", &gatewayv1.Gateway{})
	gw.Spec.GatewayClassName = "missing"
	w.must(w.client.Update(t.Context(), gw))
	w.take()
	w.look("gw")
	if writes := w.take(); writes != nil {
		t.Errorf("the class does not exist, and it writes %v", writes)
	}

	gw = get(w, "gw", &gatewayv1.Gateway{})
	gw.Spec.GatewayClassName = "other"
	w.must(w.client.Update(t.Context(), gw))
	w.look("gw")
	for _, kind := range fleetKinds() {
		if kind.GetObjectKind().GroupVersionKind().Kind == "Secret" {
			kind = &corev1.Secret{}
		}
		for _, name := range []string{"gw-fleetgate", "gw-fleetgate-metrics", "gw-fleetgate-config", "gw-fleetgate-admin"} {
			if w.exists(name, kind) {
				t.Errorf("%T %s is left", kind, name)
			}
		}
	}
	if left := w.parents("web"); left != nil {
		t.Errorf("the route still reports %v", left)
	}
}

func TestDeletedGatewayLeavesNoStatus(t *testing.T) {
	shared := route("web", "gw", "other")
	shared.Status.Parents = []gatewayv1.RouteParentStatus{{
		ParentRef: gatewayv1.ParentReference{Name: "gw"}, ControllerName: "example.com/other",
		Conditions: []metav1.Condition{{Type: "Accepted", Status: "True", Reason: "Accepted"}},
	}}
	w := newWorld(t, gateway("gw"), gateway("other"), shared)
	w.look("gw")
	w.look("other")
	w.must(w.client.Delete(t.Context(), get(w, "gw", &gatewayv1.Gateway{})))
	w.look("gw")
	want := []string{"gw of example.com/other", "other of " + controllerName}
	if diff := cmp.Diff(want, w.parents("web")); diff != "" {
		t.Error(diff)
	}
}

func TestDetachedRouteLosesItsStatus(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("web", "gw"))
	w.look("gw")
	web := get(w, "web", &gatewayv1.HTTPRoute{})
	web.Spec.ParentRefs[0].Name = "elsewhere"
	web.Generation++
	w.must(w.client.Update(t.Context(), web))
	w.look("gw")
	if left := w.parents("web"); left != nil {
		t.Errorf("the route still reports %v", left)
	}
}

// A process that has just started has not heard of the proxies, and takes back nothing
// of what they said before.
func TestARestartWaitsForTheProxies(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.look("gw")
	serve(w, fleet("gw").Name(), &appsv1.Deployment{})
	service := get(w, fleet("gw").Name(), &corev1.Service{})
	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "198.51.100.1"}}
	w.must(w.client.Status().Update(t.Context(), service))
	w.look("gw")
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "p", UID: "p", Labels: names.Selector("gw", "fleetgate")}}
	pod.Status.PodIP = "192.0.2.1"
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	w.must(w.client.Create(t.Context(), pod))
	w.take()

	// Whoever was stopped asks nobody.
	w.gateways.tracker.Stop()
	opts := w.gateways.opts
	opts.Metrics = metrics.New(prometheus.NewRegistry(), w.gateways.tracker.Reporting)
	w.gateways = newGatewayReconciler(opts, w.gateways.tracker, w.routes, w.policies, w.parameters, w.gateways.bell)
	if result := w.look("gw"); result.RequeueAfter != unheardPause {
		t.Errorf("to be looked at again after %s", result.RequeueAfter)
	}
	if writes := w.take(); writes != nil {
		t.Errorf("it writes %v", writes)
	}
	w.gateways.agrees(client.ObjectKey{Namespace: "tenant", Name: "gw"})
	if w.lookTwice("gw"); w.take() == nil {
		t.Errorf("later on, it does not tell of a proxy that does not answer: %q", w.programmedMessage("gw"))
	}
}

// In a namespace that goes nothing can be made any more, and what is there goes too.
func TestNothingIsMadeInANamespaceThatGoes(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	namespace := &corev1.Namespace{}
	w.must(w.client.Get(t.Context(), request("", "tenant").NamespacedName, namespace))
	namespace.Finalizers = []string{"kubernetes"}
	w.must(w.client.Update(t.Context(), namespace))
	w.must(w.client.Delete(t.Context(), namespace))
	w.take()
	if result := w.look("gw"); !result.IsZero() || len(w.take()) > 0 {
		t.Errorf("it is looked at again after %v, and there were writes", result.RequeueAfter)
	}
}
