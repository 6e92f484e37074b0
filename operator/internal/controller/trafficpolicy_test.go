package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
)

// trafficPolicy targets the Service web, and has an ancestor of somebody else's.
func trafficPolicy(name string) *gatewayxv1alpha1.XBackendTrafficPolicy {
	p := &gatewayxv1alpha1.XBackendTrafficPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, Generation: 1}}
	p.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReference{{Kind: "Service", Name: "web"}}
	p.Spec.RetryConstraint = &gatewayxv1alpha1.RetryConstraint{}
	p.Status.Ancestors = []gatewayv1.PolicyAncestorStatus{{
		AncestorRef: gatewayv1.ParentReference{Name: "gw"}, ControllerName: "example.com/other", Conditions: []metav1.Condition{},
	}}
	return p
}

// said lists who says what of a traffic policy.
func (w *world) said(name string) map[string]string {
	list := make(map[string]string)
	for _, entry := range get(w, name, &gatewayxv1alpha1.XBackendTrafficPolicy{}).Status.Ancestors {
		var text string
		for _, c := range entry.Conditions {
			text += c.Type + " " + string(c.Status) + " " + c.Reason
		}
		list[string(entry.ControllerName)+" of "+string(entry.AncestorRef.Name)] = text
	}
	return list
}

func TestTrafficPolicyStatusComesAndGoes(t *testing.T) {
	// A BackendTLSPolicy of the same name is another object.
	w := newWorld(t, gateway("gw"), web(), route("web", "gw"), trafficPolicy("web"), policy("web"))
	w.look("gw")
	foreign := "example.com/other of gw"
	want := map[string]string{foreign: "", controllerName + " of gw": "Accepted True Accepted"}
	if diff := cmp.Diff(want, w.said("web")); diff != "" {
		t.Errorf("while a route leads to the Service (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gw of " + controllerName + ": False NoValidCACertificate"}, w.ancestors("web")); diff != "" {
		t.Errorf("the other policy of that name (-want +got):\n%s", diff)
	}
	w.must(w.client.Delete(t.Context(), &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "web"}}))
	w.look("gw")
	if diff := cmp.Diff(map[string]string{foreign: ""}, w.said("web")); diff != "" {
		t.Errorf("after that (-want +got):\n%s", diff)
	}
}

func TestWithoutTheCRDOfTrafficPolicies(t *testing.T) {
	w := newWorld(t, gateway("gw"), web(), route("web", "gw"), trafficPolicy("web"))
	for _, there := range []bool{false, true} {
		w.kinds.Set(experimentalGroup.WithKind("XBackendTrafficPolicy").GroupKind(), there)
		w.look("gw")
		if _, got := w.said("web")[controllerName+" of gw"]; got != there {
			t.Errorf("with the kind there %v: reported %v", there, got)
		}
	}
}
