package controller

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
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
	return statusOf(conditions.Find(get(w, name, &gatewayv1.ListenerSet{}).Status.Conditions, typ))
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
	if got := w.setCondition("set", "Programmed"); got != "False ParentNotProgrammed" {
		t.Errorf("the Gateway has no address, and the ListenerSet is programmed %q", got)
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
	w.lookTwice("gw")
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

// The routes of a ListenerSet come one after another, and are counted once a second.
func TestRoutesOfAListenerSetAreCountedTogether(t *testing.T) {
	w := newWorld(t, allowing(gateway("gw")), listenerSet("set", "gw"))
	w.lookTwice("gw")
	join := func(name string) time.Duration {
		w.must(w.client.Create(t.Context(), routeOf(name, "set")))
		return w.look("gw").RequeueAfter
	}
	attached := func() int32 { return get(w, "set", &gatewayv1.ListenerSet{}).Status.Listeners[0].AttachedRoutes }
	w.now = w.now.Add(statusPause)
	if join("first"); attached() != 1 {
		t.Errorf("%d routes are counted, want the first one", attached())
	}
	w.now = w.now.Add(statusPause / 10)
	wait := join("second")
	if attached() != 1 || wait <= 0 || wait > statusPause {
		t.Errorf("%d routes are counted at once, and there is another look after %v", attached(), wait)
	}
	w.now = w.now.Add(wait)
	if w.look("gw"); attached() != 2 {
		t.Errorf("%d routes are counted in the end, want 2", attached())
	}
}

// A Gateway that goes takes its ListenerSets' entries along, and they say so.
func TestGatewayOfAListenerSetGoes(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		change               func(*world)
		accepted, programmed string
	}{
		{"it is deleted", func(w *world) {
			w.must(w.client.Delete(w.t.Context(), get(w, "gw", &gatewayv1.Gateway{})))
		}, "False ParentNotAccepted", "False ParentNotProgrammed"},
		{"it is another controller's", func(w *world) {
			moved := get(w, "gw", &gatewayv1.Gateway{})
			moved.Spec.GatewayClassName = "other"
			w.must(w.client.Update(w.t.Context(), moved))
		}, "", ""},
		{"the ListenerSet names one that does not exist", func(w *world) {
			moved := get(w, "set", &gatewayv1.ListenerSet{})
			moved.Spec.ParentRef.Name = "elsewhere"
			w.must(w.client.Update(w.t.Context(), moved))
		}, "False ParentNotAccepted", "False ParentNotProgrammed"},
		{"the ListenerSet names another kind", func(w *world) {
			moved := get(w, "set", &gatewayv1.ListenerSet{})
			moved.Spec.ParentRef.Kind = new(gatewayv1.Kind("Service"))
			w.must(w.client.Update(w.t.Context(), moved))
		}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, allowing(gateway("gw")), listenerSet("set", "gw"), routeOf("web", "set"))
			w.look("gw")
			tt.change(w)
			w.look("gw")
			w.lookAtSet("set")
			if got := w.parents("web"); got != nil {
				t.Errorf("the route reports %v", got)
			}
			if a, p := w.setCondition("set", "Accepted"), w.setCondition("set", "Programmed"); a != tt.accepted || p != tt.programmed {
				t.Errorf("the ListenerSet is accepted %q and programmed %q, want %q and %q", a, p, tt.accepted, tt.programmed)
			}
			if listeners := get(w, "set", &gatewayv1.ListenerSet{}).Status.Listeners; listeners != nil {
				t.Errorf("the ListenerSet has listeners: %v", listeners)
			}
			w.take()
			w.look("gw")
			w.lookAtSet("set")
			if writes := w.take(); writes != nil {
				t.Errorf("looking again writes %v", writes)
			}
		})
	}
}

// A Gateway without a ListenerSet event is enough to have it told.
func TestListenerSetHearsOfItsGateway(t *testing.T) {
	w := newWorld(t, allowing(gateway("gw")), listenerSet("set", "gw"))
	w.look("gw")
	w.must(w.client.Delete(t.Context(), get(w, "gw", &gatewayv1.Gateway{})))
	w.look("gw")
	if got := w.setCondition("set", "Accepted"); got != "False ParentNotAccepted" {
		t.Errorf("the ListenerSet is %q", got)
	}
}

// What another controller has made of a ListenerSet is not taken back, even where
// it was ours before.
func TestListenerSetOfAnotherController(t *testing.T) {
	w := newWorld(t, allowing(gateway("gw")), listenerSet("set", "gw"))
	w.look("gw")
	moved := get(w, "gw", &gatewayv1.Gateway{})
	moved.Spec.GatewayClassName = "other"
	w.must(w.client.Update(t.Context(), moved))
	theirs := get(w, "set", &gatewayv1.ListenerSet{})
	conditions.Find(theirs.Status.Conditions, "Accepted").Message = "Theirs"
	w.must(w.client.Status().Update(t.Context(), theirs, client.FieldOwner("theirs")))
	w.take()
	w.look("gw")
	w.lookAtSet("set")
	if writes := w.take(); slices.Contains(writes, "status set") {
		t.Errorf("wrote %v", writes)
	}
	w.must(w.client.Delete(t.Context(), get(w, "gw", &gatewayv1.Gateway{})))
	w.look("gw")
	w.lookAtSet("set")
	if got := w.setCondition("set", "Accepted"); got != "True Accepted" {
		t.Errorf("the ListenerSet is %q", got)
	}
}

func TestWhoWroteACondition(t *testing.T) {
	const accepted, programmed = `"k:{\"type\":\"Accepted\"}":{".":{},"f:message":{}}`, `"k:{\"type\":\"Programmed\"}":{".":{},"f:message":{}}`
	for _, tt := range []struct {
		name, manager, conditions string
		want                      bool
	}{
		{"ours", "fleetgate-status", accepted, true},
		{"one of several", "fleetgate-status", programmed + "," + accepted, true},
		{"another type", "fleetgate-status", programmed, false},
		{"what others have overwritten", "fleetgate-status", `"k:{\"type\":\"Accepted\"}":{".":{},"f:type":{}}`, false},
		{"theirs", "theirs", accepted, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := listenerSet("set", "gw")
			set.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: tt.manager, FieldsV1: &metav1.FieldsV1{}}}
			set.ManagedFields[0].FieldsV1.SetRawString(`{"f:status":{"f:conditions":{".":{},` + tt.conditions + `}}}`)
			if got := wroteCondition(set, "Accepted"); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
	if wroteCondition(listenerSet("set", "gw"), "Accepted") {
		t.Error("nobody wrote it, and it is ours")
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
