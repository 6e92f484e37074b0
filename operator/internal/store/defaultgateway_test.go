package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// A default Gateway has the routes that are for default Gateways, and these lead to
// it, as long as both say so.
func TestDefaultGateways(t *testing.T) {
	first, second, plain := gateway("a", "first", "fleetgate"), gateway("b", "second", "fleetgate"), gateway("c", "plain", "fleetgate")
	first.Spec.DefaultScope, second.Spec.DefaultScope, plain.Spec.DefaultScope = "All", "All", "None"
	claimed := route("x", "claimed", key("c", "plain"), key("x", "web"))
	claimed.Spec.UseDefaultGateways = "All"
	aloof := route("x", "aloof", key("c", "plain"), key("x", "alone"))
	aloof.Spec.UseDefaultGateways = "None"
	r := reader(t, class("fleetgate", controllerName), first, second, plain, claimed, aloof, service("x", "web"), service("x", "alone"))
	for gw, want := range map[*gatewayv1.Gateway][]string{first: {"x/claimed"}, second: {"x/claimed"}, plain: {"x/aloof", "x/claimed"}} {
		got, err := store.Collect(t.Context(), r, client.ObjectKeyFromObject(gw), controllerName)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, names(got.HTTPRoutes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", gw.Name, diff)
		}
	}
	for _, tt := range []struct {
		name string
		obj  client.Object
		want []string
	}{
		{"a route leads to all that may claim it", claimed, []string{"a/first", "b/second", "c/plain"}},
		{"any other to whom it names", aloof, []string{"c/plain"}},
		{"a Service by the routes to it", service("x", "web"), []string{"a/first", "b/second", "c/plain"}},
		{"and no farther", service("x", "alone"), []string{"c/plain"}},
	} {
		t.Run(tt.name, func(t *testing.T) { checkGatewaysFor(t, r, tt.obj, tt.want) })
	}
}
