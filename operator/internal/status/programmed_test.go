package status_test

import (
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/golden"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// TestProgrammedOverTime follows one Gateway from its creation: what is written
// at one step is what the next one finds.
func TestProgrammedOverTime(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "golden", "testdata", "a-simple-gateway-gets-a-whole-fleet", "in.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := golden.Load(data)
	if err != nil {
		t.Fatal(err)
	}
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
		gateway.Status, _ = status.MergeGateway(gateway.Status, set.Gateway, later)
		got := conditions.Find(gateway.Status.Conditions, "Programmed")
		if got.Status != step.status || got.Reason != step.reason || got.Message != step.message || got.ObservedGeneration != gateway.Generation {
			t.Errorf("%s: %s %s %q (generation %d), want %s %s %q", step.name,
				got.Status, got.Reason, got.Message, got.ObservedGeneration, step.status, step.reason, step.message)
		}
	}
}
