package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// reconcileGateways looks at Gateways without writing the status of routes.
func (w *world) reconcileGateways(names ...string) {
	w.t.Helper()
	for _, name := range names {
		_, err := w.gateways.Reconcile(w.t.Context(), request("tenant", name))
		w.must(err)
	}
	w.take()
}

func TestOneWriteForAllGatewaysOfARoute(t *testing.T) {
	w := newWorld(t, gateway("gw"), gateway("other"), route("web", "gw", "other"))
	w.reconcileGateways("gw", "other")
	w.lookAtRoutes()
	if diff := cmp.Diff([]string{"status web"}, w.take()); diff != "" {
		t.Error(diff)
	}
	if got := w.parents("web"); len(got) != 2 {
		t.Errorf("the route reports %v", got)
	}
	if n := w.pending(); n != 0 {
		t.Errorf("%d routes are still proposed", n)
	}
}

// What a cache does not show yet is not written again, in vain.
func TestRouteStatusIsNotWrittenForACacheThatIsBehind(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("web", "gw"))
	w.late()
	w.boot()
	for _, want := range [][]string{{"status web"}, nil} {
		// Everything is read, and so every route is looked at.
		w.gateways.changes.forgetAll()
		w.reconcileGateways("gw")
		w.lookAtRoutes()
		if diff := cmp.Diff(want, w.take()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// What a status said before is written again, though a cache shows it still.
func TestRouteStatusThatChangesBackBeforeTheCacheShowsIt(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("web", "gw"))
	w.look("gw")
	want := w.parents("web")
	w.late()
	w.boot()
	w.routes.withdraw(get(w, "web", &gatewayv1.HTTPRoute{}), speaker{gateway: request("tenant", "gw").NamespacedName})
	w.lookAtRoutes()
	if got := w.parents("web"); len(got) != 0 {
		t.Fatalf("the route reports %v after that was taken back", got)
	}
	w.gateways.changes.forgetAll()
	w.reconcileGateways("gw")
	w.lookAtRoutes()
	if diff := cmp.Diff(want, w.parents("web")); diff != "" || len(want) != 1 {
		t.Errorf("the route reports (-want +got):\n%s", diff)
	}
}

// Another controller's entry that is written at the same moment is kept.
func TestRouteStatusRace(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("web", "gw"))
	w.reconcileGateways("gw")
	w.racing = func() {
		live := get(w, "web", &gatewayv1.HTTPRoute{})
		live.Status.Parents = []gatewayv1.RouteParentStatus{{
			ParentRef: gatewayv1.ParentReference{Name: "gw"}, ControllerName: "example.com/other", Conditions: []metav1.Condition{},
		}}
		w.must(w.client.Status().Update(t.Context(), live))
	}
	w.lookAtRoutes()
	want := []string{"gw of example.com/other", "gw of " + controllerName}
	if diff := cmp.Diff(want, w.parents("web")); diff != "" {
		t.Error(diff)
	}
}

func TestGatewayStatusRace(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.racing = func() {
		live := get(w, "gw", &gatewayv1.Gateway{})
		live.Status.Conditions = []metav1.Condition{{Type: "example.com/Theirs", Status: "True", Reason: "Theirs"}}
		w.must(w.client.Status().Update(t.Context(), live))
	}
	w.look("gw")
	if w.condition("gw", "example.com/Theirs") != "True Theirs" || w.condition("gw", "Accepted") != "True Accepted" {
		t.Errorf("got %+v", get(w, "gw", &gatewayv1.Gateway{}).Status.Conditions)
	}
}

// What was proposed and not written yet gives way to what holds now, even when
// that is what the status says already.
func TestNewestProposalWins(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("web", "gw"))
	w.look("gw")
	web := get(w, "web", &gatewayv1.HTTPRoute{})
	attached := web.Spec.ParentRefs
	web.Spec.ParentRefs = nil
	w.must(w.client.Update(t.Context(), web))
	w.reconcileGateways("gw")
	web.Spec.ParentRefs = attached
	w.must(w.client.Update(t.Context(), web))
	w.reconcileGateways("gw")
	w.lookAtRoutes()
	if got := w.parents("web"); len(got) != 1 {
		t.Errorf("the route reports %v", got)
	}
}

func TestProposalForAMissingRoute(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("web", "gw"))
	w.reconcileGateways("gw")
	w.must(w.client.Delete(t.Context(), get(w, "web", &gatewayv1.HTTPRoute{})))
	w.take()
	w.lookAtRoutes()
	if writes := w.take(); writes != nil || w.pending() != 0 {
		t.Errorf("it writes %v and keeps %d", writes, w.pending())
	}
}
