package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// A route is told of the default Gateway that claims it, and told no more once that
// is none.
func TestDefaultGatewayClaimsAndLetsGo(t *testing.T) {
	gw, web := gateway("gw"), route("web")
	gw.Spec.DefaultScope = gatewayv1.GatewayDefaultScopeAll
	web.Spec.UseDefaultGateways = gatewayv1.GatewayDefaultScopeAll
	w := newWorld(t, gw, web)
	for range 2 {
		w.look("gw")
		if diff := cmp.Diff([]string{"gw of " + controllerName}, w.parents("web")); diff != "" {
			t.Fatal(diff)
		}
	}
	if got := w.condition("gw", "DefaultGateway"); got != "True DefaultGateway" {
		t.Errorf("DefaultGateway is %s", got)
	}
	live := get(w, "gw", &gatewayv1.Gateway{})
	live.Spec.DefaultScope = gatewayv1.GatewayDefaultScopeNone
	live.Generation++
	w.must(w.client.Update(t.Context(), live))
	w.look("gw")
	if parents := w.parents("web"); len(parents) != 0 {
		t.Errorf("the route still is %v", parents)
	}
	if got := w.condition("gw", "DefaultGateway"); got != "" {
		t.Errorf("DefaultGateway is %s", got)
	}
}
