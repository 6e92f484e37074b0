package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
)

// telemetryPolicy targets the Gateways, and has an ancestor of somebody else's.
func telemetryPolicy(name string, gateways ...gatewayv1.ObjectName) *gatewayxv1alpha1.XTelemetryPolicy {
	p := &gatewayxv1alpha1.XTelemetryPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, Generation: 3}}
	for _, gateway := range gateways {
		p.Spec.TargetRefs = append(p.Spec.TargetRefs, gatewayv1.LocalObjectReference{Group: gatewayv1.GroupName, Kind: "Gateway", Name: gateway})
	}
	p.Spec.Tracing.Mode = gatewayxv1alpha1.TracingModeEnabled
	p.Spec.Tracing.Provider.BackendRef = gatewayv1.BackendObjectReference{Name: "web", Port: new(gatewayv1.PortNumber(80))}
	p.Status.Ancestors = []gatewayv1.PolicyAncestorStatus{{
		AncestorRef: gatewayv1.ParentReference{Name: "gw"}, ControllerName: "example.com/other", Conditions: []metav1.Condition{},
	}}
	return p
}

// traced lists who says what of a telemetry policy.
func (w *world) traced(name string) map[string]string {
	list := make(map[string]string)
	for _, entry := range get(w, name, &gatewayxv1alpha1.XTelemetryPolicy{}).Status.Ancestors {
		var text string
		for _, c := range entry.Conditions {
			text += c.Type + " " + string(c.Status) + " " + c.Reason + "; "
			if c.ObservedGeneration != 3 {
				w.t.Errorf("condition %s is of generation %d", c.Type, c.ObservedGeneration)
			}
		}
		list[string(entry.ControllerName)+" of "+string(entry.AncestorRef.Name)] = text
	}
	return list
}

func TestTelemetryPolicyStatusComesAndGoes(t *testing.T) {
	w := newWorld(t, gateway("gw"), gateway("other"), web(), telemetryPolicy("traces", "gw", "other"))
	w.look("gw")
	w.look("other")
	const foreign = "example.com/other of gw"
	const well = "Accepted True Accepted; ResolvedRefs True ResolvedRefs; "
	want := map[string]string{foreign: "", controllerName + " of gw": well, controllerName + " of other": well}
	if diff := cmp.Diff(want, w.traced("traces")); diff != "" {
		t.Errorf("while it targets both (-want +got):\n%s", diff)
	}
	p := get(w, "traces", &gatewayxv1alpha1.XTelemetryPolicy{})
	p.Spec.TargetRefs = p.Spec.TargetRefs[1:]
	w.must(w.client.Update(t.Context(), p))
	w.look("gw")
	w.look("other")
	delete(want, controllerName+" of gw")
	if diff := cmp.Diff(want, w.traced("traces")); diff != "" {
		t.Errorf("while it targets one (-want +got):\n%s", diff)
	}
}

func TestWithoutTheCRDOfTelemetryPolicies(t *testing.T) {
	w := newWorld(t, gateway("gw"), web(), telemetryPolicy("traces", "gw"))
	for _, there := range []bool{false, true} {
		w.kinds.Set(experimentalGroup.WithKind("XTelemetryPolicy").GroupKind(), there)
		w.look("gw")
		if _, got := w.traced("traces")[controllerName+" of gw"]; got != there {
			t.Errorf("with the kind there %v: reported %v", there, got)
		}
	}
}
