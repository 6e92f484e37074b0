package controller

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// selecting is an XBackend that selects pods, with an ancestor of somebody else's.
func selecting(name string) *gatewayxv1alpha1.XBackend {
	b := &gatewayxv1alpha1.XBackend{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, UID: types.UID("uid-" + name), Generation: 1}}
	b.Spec.Type = gatewayxv1alpha1.BackendTypeEndpointSelector
	b.Spec.Port.Number = 8080
	b.Spec.EndpointSelector = &gatewayxv1alpha1.EndpointSelectorBackend{}
	b.Spec.EndpointSelector.MatchLabels = map[gatewayv1.LabelKey]gatewayv1.LabelValue{"app": "pay"}
	b.Status.Ancestors = []gatewayxv1alpha1.BackendAncestorStatus{{
		AncestorRef: gatewayv1.ParentReference{Name: "gw"}, ControllerName: "example.com/other", Conditions: []metav1.Condition{},
	}}
	return b
}

// toXBackend has a route lead to an XBackend.
func toXBackend(r *gatewayv1.HTTPRoute, name string) *gatewayv1.HTTPRoute {
	ref := &r.Spec.Rules[0].BackendRefs[0].BackendObjectReference
	ref.Group, ref.Kind = new(gatewayv1.Group(gatewayxv1alpha1.GroupName)), new(gatewayv1.Kind(store.KindXBackend))
	ref.Name, ref.Port = gatewayv1.ObjectName(name), nil
	return r
}

// selectors reconciles the selector of an XBackend, and returns its Services.
func (w *world) selectors(name string) []corev1.Service {
	w.t.Helper()
	r := &SelectorReconciler{opts: w.gateways.opts}
	if _, err := r.Reconcile(w.t.Context(), request("tenant", name)); err != nil {
		w.t.Fatal(err)
	}
	var list corev1.ServiceList
	w.must(w.client.List(w.t.Context(), &list, client.InNamespace("tenant"), client.HasLabels{names.LabelXBackend}))
	return list.Items
}

func (w *world) ancestorsOf(xbackend string) []string {
	var list []string
	for _, entry := range store.AncestorsOf(get(w, xbackend, &gatewayxv1alpha1.XBackend{})) {
		text := string(entry.AncestorRef.Name) + " of " + string(entry.ControllerName)
		for _, c := range entry.Conditions {
			text += ": " + c.Type + " " + string(c.Status) + " " + c.Reason
		}
		list = append(list, text)
	}
	return list
}

func TestSelectorsComeAndGoWithTheirGateways(t *testing.T) {
	w := newWorld(t, gateway("gw"), toXBackend(route("pay", "gw"), "pay"), selecting("pay"), selecting("unused"))
	if got := w.selectors("pay"); len(got) != 0 {
		t.Errorf("before any Gateway leads to it: %v", got)
	}
	w.look("gw")
	foreign := "gw of example.com/other"
	want := []string{foreign, "gw of " + controllerName + ": Accepted True Accepted"}
	if diff := cmp.Diff(want, w.ancestorsOf("pay")); diff != "" {
		t.Errorf("ancestors (-want +got):\n%s", diff)
	}
	for range 2 {
		got := w.selectors("pay")
		if len(got) != 1 {
			t.Fatalf("%d Services, want one", len(got))
		}
		s := got[0]
		if !strings.HasPrefix(s.GenerateName, "pay-") || s.Spec.ClusterIP != corev1.ClusterIPNone || s.Spec.Selector["app"] != "pay" ||
			s.Spec.Ports[0].Port != 8080 || s.Spec.Ports[0].TargetPort.IntValue() != 8080 || *s.Spec.IPFamilyPolicy != corev1.IPFamilyPolicyPreferDualStack || s.Labels[names.LabelXBackend] != "pay" {
			t.Errorf("got %+v", s)
		}
		if ref := metav1.GetControllerOf(&s); ref == nil || ref.UID != "uid-pay" || ref.Kind != "XBackend" || ref.BlockOwnerDeletion != nil {
			t.Errorf("owned by %+v", ref)
		}
	}
	if got := w.selectors("unused"); len(got) != 1 {
		t.Errorf("one that no route leads to has a Service: %v", got)
	}
	w.must(w.client.Delete(t.Context(), &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "pay"}}))
	w.look("gw")
	if diff := cmp.Diff([]string{foreign}, w.ancestorsOf("pay")); diff != "" {
		t.Errorf("ancestors, without the route (-want +got):\n%s", diff)
	}
	if got := w.selectors("pay"); len(got) != 0 {
		t.Errorf("without the route: %v", got)
	}
}

func TestSelectorsFollowTheirXBackend(t *testing.T) {
	// What only looks like the XBackend's is somebody else's.
	decoy := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "decoy", Labels: selectorLabels(selecting("pay"))}}
	w := newWorld(t, gateway("gw"), toXBackend(route("pay", "gw"), "pay"), selecting("pay"), decoy)
	w.look("gw")
	w.selectors("pay")
	w.take()
	live := get(w, "pay", &gatewayxv1alpha1.XBackend{})
	live.Spec.Port.Number = 9090
	live.Spec.EndpointSelector.MatchLabels["tier"] = "back"
	w.must(w.client.Update(t.Context(), live))
	w.take()
	services := w.selectors("pay")
	i := slices.IndexFunc(services, func(s corev1.Service) bool { return s.Name != "decoy" })
	if len(services) != 2 || services[i].Spec.Ports[0].Port != 9090 || services[i].Spec.Selector["tier"] != "back" {
		t.Errorf("after a change: %+v", services)
	}
	if writes := w.take(); len(writes) != 1 || !strings.HasPrefix(writes[0], "patch ") {
		t.Errorf("wrote %v, want one patch", writes)
	}
	live = get(w, "pay", &gatewayxv1alpha1.XBackend{})
	live.Spec.Type, live.Spec.EndpointSelector = gatewayxv1alpha1.BackendTypeExternalHostname, nil
	live.Spec.ExternalHostname = &gatewayxv1alpha1.ExternalHostnameBackend{Hostname: "api.example.net"}
	w.must(w.client.Update(t.Context(), live))
	if got := w.selectors("pay"); len(got) != 1 || got[0].Name != "decoy" {
		t.Errorf("of another type: %+v", got)
	}
}

// TestSelectorsOfOneFamilyGetAll is about Services that were made with the default.
func TestSelectorsOfOneFamilyGetAll(t *testing.T) {
	w := newWorld(t, gateway("gw"), toXBackend(route("pay", "gw"), "pay"), selecting("pay"))
	w.look("gw")
	service := &w.selectors("pay")[0]
	service.Spec.IPFamilyPolicy = new(corev1.IPFamilyPolicySingleStack)
	service.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	w.must(w.client.Update(t.Context(), service))
	w.take()
	for _, want := range []int{1, 0} {
		if got := *w.selectors("pay")[0].Spec.IPFamilyPolicy; got != corev1.IPFamilyPolicyPreferDualStack {
			t.Errorf("the policy is %s", got)
		}
		if writes := w.take(); len(writes) != want {
			t.Errorf("wrote %v, want %d writes", writes, want)
		}
	}
}

func TestWithoutTheCRDOfXBackends(t *testing.T) {
	w := newWorld(t, gateway("gw"), toXBackend(route("pay", "gw"), "pay"), selecting("pay"))
	for _, there := range []bool{false, true} {
		w.kinds.Set(experimentalGroup.WithKind("XBackend").GroupKind(), there)
		w.look("gw")
		if got := len(w.selectors("pay")) == 1; got != there {
			t.Errorf("with the kind there %v: has a Service: %v", there, got)
		}
	}
}
