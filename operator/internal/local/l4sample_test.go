package local

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// The sample of what is below HTTP attaches every route that it has. Its
// backends and its certificate are for the reader to bring.
func TestSampleBelowHTTP(t *testing.T) {
	class := &gatewayv1.GatewayClass{Spec: gatewayv1.GatewayClassSpec{ControllerName: defaultController}}
	class.Name = "fleetgate"
	all := translateSample(t, "l4", class)
	if len(all) != 1 {
		t.Fatalf("%d Gateways", len(all))
	}
	set := status.Build(all[0].graph, status.Observed{Wanted: 1})
	got := map[string]int32{}
	for _, l := range set.Gateway.Listeners {
		got[string(l.Name)] = l.AttachedRoutes
	}
	for _, l := range set.ListenerSets[0].Listeners {
		got[string(l.Name)] = l.AttachedRoutes
	}
	want := map[string]int32{"dns": 1, "dns-tcp": 1, "sealed": 1, "mail": 1, "postgres": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attached routes (-want +got):\n%s", diff)
	}
}
