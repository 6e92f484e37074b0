package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// selectingRelease is a Prometheus that looks at all namespaces, for monitors of a release.
func selectingRelease(release string) *monitoringv1.Prometheus {
	p := &monitoringv1.Prometheus{ObjectMeta: metav1.ObjectMeta{Namespace: "monitoring", Name: "k8s"}}
	p.Spec.ServiceMonitorNamespaceSelector = &metav1.LabelSelector{}
	p.Spec.ServiceMonitorSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"release": release}}
	return p
}

// scraped is what the Gateway's condition says, as "status reason: message".
func (w *world) scraped(name string) string {
	live := get(w, name, &gatewayv1.Gateway{})
	c := conditions.Find(live.Status.Conditions, string(status.ConditionScraped))
	if c == nil {
		return ""
	}
	return string(c.Status) + " " + c.Reason + ": " + c.Message
}

func (w *world) monitorRelease(name string) string {
	return get(w, name, &monitoringv1.ServiceMonitor{}).Labels["release"]
}

func TestMonitorIsWhatPrometheusSelects(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.look("gw")
	if got := w.scraped("gw"); got != "" {
		t.Errorf("without a ServiceMonitor the status says %q", got)
	}
	w.kinds.Set(serviceMonitor, true)
	w.look("gw")
	if got, want := w.scraped("gw"), "Unknown NoPrometheus: The operator sees no Prometheus that could select ServiceMonitor tenant/gw-fleetgate"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	w.must(w.client.Create(t.Context(), selectingRelease("stack")))
	w.look("gw")
	if got, want := w.scraped("gw"), "True Selected: Prometheus monitoring/k8s selects ServiceMonitor tenant/gw-fleetgate"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := w.monitorRelease("gw-fleetgate"); got != "stack" {
		t.Errorf("the ServiceMonitor has release %q", got)
	}
	w.take()
	w.look("gw")
	if writes := w.take(); writes != nil {
		t.Errorf("nothing has changed, and it writes %v", writes)
	}
	w.kinds.Set(serviceMonitor, false)
	w.look("gw")
	if got := w.scraped("gw"); got != "" {
		t.Errorf("with the kind gone the status says %q", got)
	}
}

// A Prometheus whose kind is not there does not select anything.
func TestPrometheusGoesWithItsKind(t *testing.T) {
	w := newWorld(t, gateway("gw"), selectingRelease("stack"))
	w.kinds.Set(serviceMonitor, true)
	w.kinds.Set(prometheusKind, false)
	w.look("gw")
	if got := w.monitorRelease("gw-fleetgate"); got != "" {
		t.Errorf("the ServiceMonitor has release %q", got)
	}
}

func TestMonitorKeepsTheLabelsOfItsParameters(t *testing.T) {
	gw := gateway("gw")
	gw.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{ParametersRef: &gatewayv1.LocalParametersReference{
		Group: gatewayv1.Group(v1alpha1.GroupVersion.Group), Kind: v1alpha1.KindGatewayParameters, Name: "mine",
	}}
	parameters := &v1alpha1.GatewayParameters{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "mine", Generation: 1}}
	parameters.Spec.Monitoring = &v1alpha1.MonitoringParameters{
		ServiceMonitor: &v1alpha1.ServiceMonitorParameters{Labels: map[string]string{"team": "a"}},
	}
	w := newWorld(t, gw, parameters, selectingRelease("stack"))
	w.kinds.Set(serviceMonitor, true)
	w.look("gw")
	want := "False NotSelected: No Prometheus selects ServiceMonitor tenant/gw-fleetgate: Prometheus monitoring/k8s selects ServiceMonitors by release=stack"
	if diff := cmp.Diff(want, w.scraped("gw")); diff != "" {
		t.Error(diff)
	}
	live := get(w, "mine", &v1alpha1.GatewayParameters{})
	live.Spec.Monitoring.ServiceMonitor.Labels = map[string]string{"release": "stack"}
	w.must(w.client.Update(t.Context(), live))
	w.look("gw")
	if diff := cmp.Diff("True Selected: Prometheus monitoring/k8s selects ServiceMonitor tenant/gw-fleetgate", w.scraped("gw")); diff != "" {
		t.Error(diff)
	}
}
