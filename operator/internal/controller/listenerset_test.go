package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

func listenerSet(name, gateway string) *gatewayv1.ListenerSet {
	set := &gatewayv1.ListenerSet{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, Generation: 1}}
	set.Spec.ParentRef.Name = gatewayv1.ObjectName(gateway)
	set.Spec.Listeners = []gatewayv1.ListenerEntry{{Name: "more", Port: 8080, Protocol: gatewayv1.HTTPProtocolType}}
	return set
}

func allowing(gw *gatewayv1.Gateway) *gatewayv1.Gateway {
	gw.Spec.AllowedListeners = &gatewayv1.AllowedListeners{
		Namespaces: &gatewayv1.ListenerNamespaces{From: new(gatewayv1.NamespacesFromSame)},
	}
	return gw
}

// routeOf is a route whose parent is a ListenerSet.
func routeOf(name, set string) *gatewayv1.HTTPRoute {
	r := route(name, set)
	r.Spec.ParentRefs[0].Kind = new(gatewayv1.Kind("ListenerSet"))
	return r
}

func (w *world) setCondition(name, typ string) string {
	w.t.Helper()
	c := conditions.Find(get(w, name, &gatewayv1.ListenerSet{}).Status.Conditions, typ)
	if c == nil {
		return ""
	}
	return string(c.Status) + " " + c.Reason
}

func (w *world) lookAtSet(name string) {
	w.t.Helper()
	_, err := w.sets.Reconcile(w.t.Context(), request("tenant", name))
	w.must(err)
	w.lookAtRoutes()
}

// A ListenerSet is accepted, counted and taken away again, and the route that
// names it says so each time.
func TestListenerSetComesAndGoes(t *testing.T) {
	w := newWorld(t, allowing(gateway("gw")), listenerSet("set", "gw"), routeOf("web", "set"))
	w.look("gw")
	if got := w.setCondition("set", "Accepted"); got != "True Accepted" {
		t.Errorf("the ListenerSet is %q", got)
	}
	if n := get(w, "gw", &gatewayv1.Gateway{}).Status.AttachedListenerSets; n == nil || *n != 1 {
		t.Errorf("the Gateway counts %v", n)
	}
	if diff := cmp.Diff([]string{"set of " + controllerName}, w.parents("web")); diff != "" {
		t.Error(diff)
	}
	w.take()
	w.look("gw")
	w.lookAtSet("set")
	if writes := w.take(); writes != nil {
		t.Errorf("looking again writes %v", writes)
	}

	w.must(w.client.Delete(t.Context(), get(w, "set", &gatewayv1.ListenerSet{})))
	w.lookAtSet("set")
	w.now = w.now.Add(statusPause)
	w.look("gw")
	if got := w.parents("web"); got != nil {
		t.Errorf("the ListenerSet is gone, and the route reports %v", got)
	}
	if n := get(w, "gw", &gatewayv1.Gateway{}).Status.AttachedListenerSets; n != nil {
		t.Errorf("the Gateway counts %d", *n)
	}
}

// What another controller says of a ListenerSet's route stays, whatever becomes
// of the ListenerSet.
func TestForeignEntryForAListenerSet(t *testing.T) {
	theirs := routeOf("web", "set")
	theirs.Status.Parents = []gatewayv1.RouteParentStatus{{
		ParentRef: theirs.Spec.ParentRefs[0], ControllerName: "example.com/other", Conditions: []metav1.Condition{},
	}}
	w := newWorld(t, allowing(gateway("gw")), listenerSet("set", "gw"), theirs)
	w.look("gw")
	if got := w.parents("web"); len(got) != 2 {
		t.Errorf("the route reports %v", got)
	}
	moved := get(w, "set", &gatewayv1.ListenerSet{})
	moved.Spec.ParentRef.Name = "elsewhere"
	w.must(w.client.Update(t.Context(), moved))
	w.lookAtSet("set")
	if diff := cmp.Diff([]string{"set of example.com/other"}, w.parents("web")); diff != "" {
		t.Error(diff)
	}
}

// A Gateway that goes takes its ListenerSets' entries along.
func TestGatewayOfAListenerSetGoes(t *testing.T) {
	w := newWorld(t, allowing(gateway("gw")), listenerSet("set", "gw"), routeOf("web", "set"))
	w.look("gw")
	w.must(w.client.Delete(t.Context(), get(w, "gw", &gatewayv1.Gateway{})))
	w.look("gw")
	if got := w.parents("web"); got != nil {
		t.Errorf("the Gateway is gone, and the route reports %v", got)
	}
}

func TestListenerSetStatusRace(t *testing.T) {
	w := newWorld(t, allowing(gateway("gw")), listenerSet("set", "gw"))
	w.racing = func() {
		live := get(w, "set", &gatewayv1.ListenerSet{})
		live.Status.Conditions = []metav1.Condition{{Type: "example.com/Theirs", Status: "True", Reason: "Theirs"}}
		w.must(w.client.Status().Update(t.Context(), live))
	}
	w.look("gw")
	if w.setCondition("set", "example.com/Theirs") != "True Theirs" || w.setCondition("set", "Accepted") != "True Accepted" {
		t.Errorf("got %+v", get(w, "set", &gatewayv1.ListenerSet{}).Status)
	}
}
