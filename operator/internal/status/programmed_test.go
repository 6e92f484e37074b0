package status_test

import (
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/golden"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// TestProgrammedOverTime follows one Gateway from its creation: what is written
// at one step is what the next one finds.
func TestProgrammedOverTime(t *testing.T) {
	c := simple(t)
	gateway := c.Resources.Gateway
	addresses := c.Observed.Addresses
	for _, step := range []struct {
		name    string
		change  func(*status.Observed)
		edit    bool
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		{name: "nothing is there", change: func(o *status.Observed) { *o = status.Observed{Hash: "aaaaaaaa11", Wanted: 2} },
			status: "False", reason: "AddressNotAssigned", message: "The Service has no address yet"},
		{name: "an address comes", change: func(o *status.Observed) { o.Addresses = addresses },
			status: "False", reason: "Pending", message: "0/2 proxies are ready"},
		{name: "a proxy is ready without a config", change: func(o *status.Observed) { o.Ready = 1 },
			status: "False", reason: "Pending", message: "0/2 proxies on aaaaaaaa…"},
		{name: "it serves", change: func(o *status.Observed) { o.Serving = 1 },
			status: "True", reason: "Programmed", message: "1/2 proxies on aaaaaaaa…"},
		{name: "the other one is ready and behind", change: func(o *status.Observed) { o.Ready = 2 },
			status: "True", reason: "Programmed", message: "1/2 proxies on aaaaaaaa…"},
		{name: "a route changes", change: func(o *status.Observed) { o.Hash, o.Serving = "bbbbbbbb22", 0 },
			status: "True", reason: "Programmed", message: "0/2 proxies on bbbbbbbb…"},
		{name: "both serve it", change: func(o *status.Observed) { o.Serving = 2 },
			status: "True", reason: "Programmed", message: "2/2 proxies on bbbbbbbb…"},
		{name: "the Gateway changes", edit: true, change: func(o *status.Observed) { o.Serving = 0 },
			status: "False", reason: "Pending", message: "0/2 proxies on bbbbbbbb…"},
		{name: "both serve it again", change: func(o *status.Observed) { o.Serving = 2 },
			status: "True", reason: "Programmed", message: "2/2 proxies on bbbbbbbb…"},
		{name: "all proxies are lost", change: func(o *status.Observed) { o.Ready, o.Serving = 0, 0 },
			status: "False", reason: "NoResources", message: "0/2 proxies are ready"},
	} {
		if step.edit {
			gateway.Generation++
		}
		step.change(&c.Observed)
		g := graph.Build(c.Resources, graph.Options{ControllerName: golden.ControllerName})
		set := status.Build(g, c.Observed)
		gateway.Status, _ = status.MergeGateway(gateway.Status, set.Gateway, atLater)
		got := conditions.Find(gateway.Status.Conditions, "Programmed")
		if got.Status != step.status || got.Reason != step.reason || got.Message != step.message || got.ObservedGeneration != gateway.Generation {
			t.Errorf("%s: %s %s %q (generation %d), want %s %s %q", step.name,
				got.Status, got.Reason, got.Message, got.ObservedGeneration, step.status, step.reason, step.message)
		}
	}
}

// A Gateway that has none of its addresses has another reason than one of whose
// addresses some cannot be used (GEP-5093).
func TestAddressesThatAreMissing(t *testing.T) {
	const cluster = gatewayv1.GatewayAddressRoutabilityCluster
	static := func(value string) gatewayv1.GatewaySpecAddress { return gatewayv1.GatewaySpecAddress{Value: value} }
	for _, tt := range []struct {
		name   string
		asked  []gatewayv1.GatewaySpecAddress
		got    string
		reason string
	}{
		{"the one is not assigned", []gatewayv1.GatewaySpecAddress{static("192.0.2.10")}, "", "AddressNotAssigned"},
		{"another one is assigned", []gatewayv1.GatewaySpecAddress{static("192.0.2.10")}, "192.0.2.99", "AddressNotAssigned"},
		{"one of two is", []gatewayv1.GatewaySpecAddress{static("192.0.2.10"), static("192.0.2.11")}, "192.0.2.11", "AddressNotUsable"},
		{"the first of two is not, and the second was never asked for", []gatewayv1.GatewaySpecAddress{static("192.0.2.10"), static("192.0.2.11")}, "", "AddressNotUsable"},
		{"any address is there, and the named one is not", []gatewayv1.GatewaySpecAddress{static("192.0.2.10"), {}}, "192.0.2.99", "AddressNotUsable"},
		{"the cluster's is not", []gatewayv1.GatewaySpecAddress{{Value: "192.0.2.10", Routability: cluster}}, "", "AddressNotAssigned"},
		{"all are there", []gatewayv1.GatewaySpecAddress{static("192.0.2.10")}, "192.0.2.10", "Pending"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := simple(t)
			c.Resources.Gateway.Spec.Addresses = tt.asked
			c.Observed = status.Observed{Wanted: 2}
			if tt.got != "" {
				c.Observed.Addresses = []gatewayv1.GatewayStatusAddress{{Type: new(gatewayv1.IPAddressType), Value: tt.got}}
			}
			set := status.Build(graph.Build(c.Resources, graph.Options{ControllerName: golden.ControllerName}), c.Observed)
			got := conditions.Find(set.Gateway.Conditions, "Programmed")
			if got.Status != metav1.ConditionFalse || got.Reason != tt.reason {
				t.Errorf("got %s %s %q, want %s", got.Status, got.Reason, got.Message, tt.reason)
			}
		})
	}
}

func simple(t *testing.T) *golden.Case {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "golden", "testdata", "a-simple-gateway-gets-a-whole-fleet", "in.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := golden.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
