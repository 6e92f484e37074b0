package local

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// The sample of XBackends translates without a complaint. Its Gateway is the one
// of the first sample.
func TestSampleOfXBackends(t *testing.T) {
	class := &gatewayv1.GatewayClass{Spec: gatewayv1.GatewayClassSpec{ControllerName: defaultController}}
	class.Name = "fleetgate"
	gateway := &gatewayv1.Gateway{}
	gateway.Namespace, gateway.Name = "default", "example"
	gateway.Spec.GatewayClassName = "fleetgate"
	gateway.Spec.Listeners = []gatewayv1.Listener{{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType}}
	all := translateSample(t, "xbackend", class, gateway)
	if len(all) != 1 {
		t.Fatalf("%d Gateways", len(all))
	}
	set := status.Build(all[0].graph, status.Observed{Wanted: 1})
	for _, route := range set.Routes {
		if found := bad(route.Name.String(), "", route.Parents[0].Conditions); len(found) != 0 {
			t.Errorf("%+v", found)
		}
	}
	got := map[string]string{}
	for _, b := range all[0].config.Backends {
		got[b.ID] = b.Protocol
		if b.External != nil {
			got[b.ID] += " " + b.External.Hostname
		}
	}
	want := map[string]string{"XBackend/default/bank:443": "http api.bank.example", "XBackend/default/pay:8080": "h2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("backends (-want +got):\n%s", diff)
	}
	if session := all[0].config.Routes[0].Rules[1].Backends[0].Session; session == nil || !session.Shared {
		t.Errorf("session: %+v", session)
	}
}
