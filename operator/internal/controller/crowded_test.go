package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

const stranger = "example.com/other"

// crowdedRoute has as many entries of others as a route can.
func crowdedRoute() *gatewayv1.HTTPRoute {
	r := route("full", "gw")
	for i := range 32 {
		r.Status.Parents = append(r.Status.Parents, gatewayv1.RouteParentStatus{
			ParentRef: gatewayv1.ParentReference{Name: gatewayv1.ObjectName(fmt.Sprint(i))}, ControllerName: stranger, Conditions: []metav1.Condition{},
		})
	}
	return r
}

// crowdedPolicy is about the Service that routes lead to.
func crowdedPolicy() *gatewayv1.BackendTLSPolicy {
	p := &gatewayv1.BackendTLSPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "full", Generation: 1}}
	p.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReferenceWithSectionName{{
		LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{Kind: "Service", Name: "web"},
	}}
	for i := range 16 {
		p.Status.Ancestors = append(p.Status.Ancestors, gatewayv1.PolicyAncestorStatus{
			AncestorRef: gatewayv1.ParentReference{Name: gatewayv1.ObjectName(fmt.Sprint(i))}, ControllerName: stranger, Conditions: []metav1.Condition{},
		})
	}
	return p
}

// events returns those since the last call.
func (w *world) events() (list []string) {
	for len(w.recorder.Events) > 0 {
		list = append(list, <-w.recorder.Events)
	}
	return list
}

// TestFullStatusesAreLeftAlone has routes and policies whose status others have
// filled: nothing is written, again and again neither, and an Event says so once.
func TestFullStatusesAreLeftAlone(t *testing.T) {
	w := newWorld(t, gateway("gw"), crowdedRoute(), crowdedPolicy())
	for _, want := range []int{3, 0} {
		w.take()
		w.look("gw")
		if writes := w.take(); slices.Contains(writes, "status full") {
			t.Errorf("wrote %v", writes)
		}
		if n := w.pending(); n != 0 {
			t.Errorf("%d routes are to be written", n)
		}
		events := w.events()
		if len(events) != want || slices.ContainsFunc(events, func(e string) bool { return !strings.Contains(e, StatusFull) }) {
			t.Errorf("got Events %q, want %d", events, want)
		}
	}
	if got := store.AncestorsOf(get(w, "full", &gatewayv1.BackendTLSPolicy{})); len(got) != 16 || string(got[15].ControllerName) != stranger {
		t.Errorf("the policy has %d ancestors", len(got))
	}
	live := get(w, "full", &gatewayv1.BackendTLSPolicy{})
	live.Status.Ancestors = live.Status.Ancestors[1:]
	w.must(w.client.Status().Update(t.Context(), live))
	crowd := get(w, "full", &gatewayv1.HTTPRoute{})
	crowd.Status.Parents = crowd.Status.Parents[1:]
	w.must(w.client.Status().Update(t.Context(), crowd))
	w.look("gw")
	if got := store.AncestorsOf(get(w, "full", &gatewayv1.BackendTLSPolicy{})); len(got) != 16 || string(got[15].ControllerName) != controllerName {
		t.Errorf("once there is room, the policy has %d ancestors", len(got))
	}
	if got := w.parents("full"); len(got) != 32 || got[31] != "gw of "+controllerName {
		t.Errorf("once there is room, the route has %v", got)
	}
	if events := w.events(); len(events) != 0 {
		t.Errorf("got Events %q", events)
	}
}
