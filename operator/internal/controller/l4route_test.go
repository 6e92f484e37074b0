package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

func tcpRoute(name, gateway string) *gatewayv1.TCPRoute {
	r := &gatewayv1.TCPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, Generation: 1}}
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: gatewayv1.ObjectName(gateway)}}
	r.Spec.Rules = []gatewayv1.TCPRouteRule{{BackendRefs: []gatewayv1.BackendRef{{
		BackendObjectReference: gatewayv1.BackendObjectReference{Name: "db", Port: new(gatewayv1.PortNumber(5432))},
	}}}}
	return r
}

// withTCP is a Gateway with a listener of each of HTTP and TCP.
func withTCP(name string) *gatewayv1.Gateway {
	gw := gateway(name)
	gw.Spec.Listeners = append(gw.Spec.Listeners, gatewayv1.Listener{Name: "tcp", Port: 5432, Protocol: gatewayv1.TCPProtocolType})
	return gw
}

// Two routes of one name and of different kinds are told apart on the whole way
// to their statuses, and back.
func TestRoutesOfOneNameAndTwoKinds(t *testing.T) {
	w := newWorld(t, withTCP("gw"), route("web", "gw"), tcpRoute("web", "gw"))
	w.look("gw")
	want := []string{"gw of " + controllerName}
	for _, route := range []store.Route{get(w, "web", &gatewayv1.HTTPRoute{}), get(w, "web", &gatewayv1.TCPRoute{})} {
		if diff := cmp.Diff(want, parentsOf(route)); diff != "" {
			t.Errorf("%T: %s", route, diff)
		}
	}

	detached := get(w, "web", &gatewayv1.TCPRoute{})
	detached.Spec.ParentRefs = nil
	detached.Generation++
	w.must(w.client.Update(t.Context(), detached))
	w.look("gw")
	if got := parentsOf(get(w, "web", &gatewayv1.TCPRoute{})); got != nil {
		t.Errorf("the TCPRoute names no Gateway any more, and reports %v", got)
	}
	if got := w.parents("web"); len(got) != 1 {
		t.Errorf("the HTTPRoute reports %v", got)
	}
}

// While the cluster lacks a kind, its routes do not exist, and nobody asks for
// them.
func TestRoutesOfAMissingKind(t *testing.T) {
	w := newWorld(t, withTCP("gw"), route("web", "gw"), tcpRoute("db", "gw"))
	kind := schema.GroupKind{Group: gatewayv1.GroupName, Kind: "TCPRoute"}
	w.kinds.Set(kind, false)
	w.look("gw")
	if got := parentsOf(get(w, "db", &gatewayv1.TCPRoute{})); got != nil || len(w.parents("web")) != 1 {
		t.Errorf("the route of a missing kind reports %v, the other one %v", got, w.parents("web"))
	}
	w.kinds.Set(kind, true)
	w.look("gw")
	if got := parentsOf(get(w, "db", &gatewayv1.TCPRoute{})); len(got) != 1 {
		t.Errorf("the kind has come, and its route reports %v", got)
	}
	w.reconcileGateways("gw")
	w.kinds.Set(kind, false)
	if w.lookAtRoutes(); w.pending() != 0 {
		t.Errorf("%d routes of a kind that has gone are kept", w.pending())
	}
}
