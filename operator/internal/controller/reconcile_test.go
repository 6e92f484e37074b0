package controller

import (
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
)

// startFleet gives the crowd's Gateway a fleet with one proxy, which does not answer.
func (c *crowd) startFleet(t testing.TB) {
	c.gateways.tracker = proxies.New(proxies.Options{
		Changed: func(types.NamespacedName) {}, Port: 1, Patience: time.Millisecond, Log: logr.Discard(),
	})
	t.Cleanup(c.gateways.tracker.Stop)
	c.put(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.gateway.Namespace, Name: "proxy", Labels: names.Selector(c.gateway.Name, "fleetgate")},
		Status: corev1.PodStatus{
			PodIP: "127.0.0.1", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	})
	c.reconcile(t)
	for c.gateways.tracker.Fleet(c.gateway).Unheard() {
		time.Sleep(10 * time.Millisecond)
	}
	for range 3 {
		c.reconcile(t)
		c.settle()
	}
}

func (c *crowd) reconcile(t testing.TB) reconcile.Result {
	result, err := c.gateways.Reconcile(t.Context(), reconcile.Request{NamespacedName: c.gateway})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// A Gateway of which all is as it is to be is left alone: nothing of it is proposed or
// written, and there is no other look for minutes.
func TestASettledGatewayIsLeftAlone(t *testing.T) {
	c := settledTenants(t, 3)
	c.startFleet(t)
	time.Sleep(statusPause)
	for range 2 {
		c.reconcile(t)
		c.settle()
	}
	versions := c.versions
	result := c.reconcile(t)
	if c.versions != versions || len(c.gateways.routes["HTTPRoute"].proposed) != 0 {
		t.Errorf("a look has %d objects written and %d proposed", c.versions-versions, len(c.gateways.routes["HTTPRoute"].proposed))
	}
	// Looks of a crowd store the configuration under another name, so that its fleet tells
	// of a repair, for as long as that is shown.
	if result.RequeueAfter < repairShown/2 {
		t.Errorf("there is another look after %v", result.RequeueAfter)
	}
}

// BenchmarkReconcile is all that the operator does for a Gateway when nothing has
// changed, a route, or an endpoint, beside speaking with the API server and with proxies.
func BenchmarkReconcile(b *testing.B) {
	const routes = 5000
	for _, of := range []struct {
		name   string
		change func(c *crowd, i, generation int)
	}{{"idle", func(*crowd, int, int) {}}, {"route", (*crowd).change}, {"endpoint", (*crowd).move}} {
		b.Run(of.name, func(b *testing.B) {
			c := settledCrowd(b, routes)
			c.startFleet(b)
			b.ReportAllocs()
			for i := 2; b.Loop(); i++ {
				// Another one each time, as what changed lately lies in the index.
				of.change(c, i*7%routes, i)
				c.reconcile(b)
				c.settle()
			}
		})
	}
}
