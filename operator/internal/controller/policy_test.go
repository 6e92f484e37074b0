package controller

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

func web() *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "web"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

// policy targets the Service web and trusts the ConfigMap ca.
func policy(name string) *gatewayv1.BackendTLSPolicy {
	p := &gatewayv1.BackendTLSPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, Generation: 1}}
	p.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReferenceWithSectionName{{
		LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{Kind: "Service", Name: "web"},
	}}
	p.Spec.Validation = gatewayv1.BackendTLSPolicyValidation{
		Hostname: "web.example.com", CACertificateRefs: []gatewayv1.LocalObjectReference{{Kind: "ConfigMap", Name: "ca"}},
	}
	return p
}

// ancestors lists what a policy's status says of its ancestors.
func (w *world) ancestors(name string) []string {
	w.t.Helper()
	var list []string
	for _, entry := range get(w, name, &gatewayv1.BackendTLSPolicy{}).Status.Ancestors {
		line := fmt.Sprintf("%s of %s", entry.AncestorRef.Name, entry.ControllerName)
		if c := conditions.Find(entry.Conditions, "Accepted"); c != nil {
			line += fmt.Sprintf(": %s %s", c.Status, c.Reason)
		}
		list = append(list, line)
	}
	return list
}

func TestPolicyReportsEveryGatewayThatNeedsIt(t *testing.T) {
	w := newWorld(t, gateway("gw"), gateway("other"), gateway("apart"), web(), route("web", "gw", "other"), policy("web"))
	w.reconcileGateways("gw", "other", "apart")
	w.lookAtPolicies()
	if diff := cmp.Diff([]string{"status web"}, w.take()); diff != "" {
		t.Errorf("two Gateways cost more than one write: %s", diff)
	}
	if got := w.ancestors("web"); len(got) != 2 {
		t.Errorf("the policy reports %v", got)
	}
	if left := w.policies["BackendTLSPolicy"].proposed; len(left) != 0 {
		t.Errorf("still proposed: %v", left)
	}
}

func TestPolicyTakesBackWhatItSaid(t *testing.T) {
	tests := map[string]client.Object{
		"without a route to its Service": &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "web"}},
		"without the Gateway":            &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "gw"}},
	}
	for name, gone := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, gateway("gw"), web(), route("web", "gw"), policy("web"))
			w.look("gw")
			if diff := cmp.Diff([]string{"gw of " + controllerName + ": False NoValidCACertificate"}, w.ancestors("web")); diff != "" {
				t.Fatal(diff)
			}
			w.must(w.client.Delete(t.Context(), gone))
			w.look("gw")
			if got := w.ancestors("web"); got != nil {
				t.Errorf("the policy still reports %v", got)
			}
		})
	}
}

// Another controller's entry that is written at the same moment is kept.
func TestPolicyStatusRace(t *testing.T) {
	w := newWorld(t, gateway("gw"), web(), route("web", "gw"), policy("web"))
	w.reconcileGateways("gw")
	w.racing = func() {
		live := get(w, "web", &gatewayv1.BackendTLSPolicy{})
		live.Status.Ancestors = []gatewayv1.PolicyAncestorStatus{{
			AncestorRef: gatewayv1.ParentReference{Name: "gw"}, ControllerName: "example.com/other", Conditions: []metav1.Condition{},
		}}
		w.must(w.client.Status().Update(t.Context(), live))
	}
	w.lookAtPolicies()
	want := []string{"gw of example.com/other", "gw of " + controllerName + ": False NoValidCACertificate"}
	if diff := cmp.Diff(want, w.ancestors("web")); diff != "" {
		t.Error(diff)
	}
}

// A kind that the cluster does not have is as if nobody had written any.
func TestWithoutTheCRDsOfGRPCRoutesAndPolicies(t *testing.T) {
	calls := &gatewayv1.GRPCRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "calls", Generation: 1}}
	calls.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: "gw"}}
	w := newWorld(t, gateway("gw"), web(), calls, policy("web"))
	set := func(there bool) {
		for _, kind := range optionalGroupKinds() {
			w.kinds.Set(kind, there && kind != serviceMonitor)
		}
	}
	parents := func() int { return len(get(w, "calls", &gatewayv1.GRPCRoute{}).Status.Parents) }
	set(false)
	w.look("gw")
	if got := parents(); got != 0 {
		t.Errorf("%d parents are reported of a kind that is not there", got)
	}
	set(true)
	w.look("gw")
	if got := parents(); got != 1 {
		t.Errorf("%d parents are reported once the kind is there", got)
	}
}
