package controller

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/metrics"
)

// image returns that of the proxies of a Gateway.
func (w *world) image(gateway string) string {
	return get(w, fleet(gateway).Name(), &appsv1.Deployment{}).Spec.Template.Spec.Containers[0].Image
}

func (w *world) images(want string) {
	w.t.Helper()
	if got := w.image("a") + " " + w.image("b"); got != want {
		w.t.Errorf("got the images %s, want %s", got, want)
	}
}

// running returns a world with two Gateways, a and b, whose proxies serve.
func running(t *testing.T) *world {
	w := newWorld(t, gateway("a"), gateway("b"))
	for _, name := range []string{"a", "b"} {
		w.look(name)
		serve(w, fleet(name).Name(), &appsv1.Deployment{})
		w.look(name)
	}
	return w
}

func TestANewImageGoesFromGatewayToGateway(t *testing.T) {
	w := running(t)
	w.gateways.opts.Settings.ProxyImage = "proxy:2"
	w.look("a")
	w.look("b")
	w.images("proxy:2 proxy")
	w.look("b")
	w.images("proxy:2 proxy")
	advance(w, "a", "ReplicaSetUpdated")
	w.look("a")
	w.look("b")
	w.images("proxy:2 proxy")
	advance(w, "a", "NewReplicaSetAvailable")
	w.look("a")
	w.look("b")
	w.images("proxy:2 proxy:2")
}

// advance sets the reason of the condition Progressing, of a fleet that is not
// complete.
func advance(w *world, gateway, reason string) {
	w.t.Helper()
	live := get(w, fleet(gateway).Name(), &appsv1.Deployment{})
	live.Status.UpdatedReplicas = 1
	live.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Reason: reason}}
	w.must(w.client.Status().Update(w.t.Context(), live))
}

// The tenant may be the cause himself, so the next fleet tries, and no more than that.
func TestAnImageThatDoesNotWorkIsToldAndTriedElsewhere(t *testing.T) {
	w := running(t)
	w.gateways.opts.Settings.ProxyImage = "proxy:2"
	w.look("a")
	advance(w, "a", "ProgressDeadlineExceeded")
	w.event()
	w.lookTwice("a")
	if got := w.event(); !strings.Contains(got, RolloutFailed) {
		t.Errorf("got the event %q", got)
	}
	programmed := conditions.Find(get(w, "a", &gatewayv1.Gateway{}).Status.Conditions, "Programmed")
	if !strings.Contains(programmed.Message, "do not become available") {
		t.Errorf("the status tells %q", programmed.Message)
	}
	w.look("b")
	w.images("proxy:2 proxy:2")

	w.gateways.opts.Settings.ProxyImage = "proxy:3"
	w.look("a")
	w.look("b")
	w.images("proxy:3 proxy:3")
}

func TestWhatAGatewaySaysItselfDoesNotWait(t *testing.T) {
	w := running(t)
	w.gateways.opts.Settings.ProxyImage = "proxy:2"
	w.look("a")
	w.look("b")
	w.images("proxy:2 proxy")
	gw := get(w, "b", &gatewayv1.Gateway{})
	gw.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{Labels: map[gatewayv1.LabelKey]gatewayv1.LabelValue{"team": "a"}}
	w.must(w.client.Update(t.Context(), gw))
	w.look("b")
	w.images("proxy:2 proxy:2")
}

// waiting returns a world in which b waits for a turn that a has.
func waiting(t *testing.T) *world {
	w := running(t)
	w.gateways.opts.Settings.ProxyImage = "proxy:2"
	w.look("a")
	w.look("b")
	w.images("proxy:2 proxy")
	return w
}

// edit changes the workload of b by hand.
func (w *world) edit(change func(*appsv1.Deployment)) {
	w.t.Helper()
	live := get(w, fleet("b").Name(), &appsv1.Deployment{})
	change(live)
	w.must(w.client.Update(w.t.Context(), live, client.FieldOwner("kubectl-edit")))
	w.look("b")
}

func TestDriftIsMendedWhileAFleetWaits(t *testing.T) {
	w := waiting(t)
	w.edit(func(d *appsv1.Deployment) { d.Spec.Template.Spec.ServiceAccountName = "other" })
	if got := get(w, fleet("b").Name(), &appsv1.Deployment{}).Spec.Template.Spec.ServiceAccountName; got != fleet("b").Name() {
		t.Errorf("the pods have the account %q", got)
	}
	w.images("proxy:2 proxy:2")
}

func TestDriftBesideThePodsIsMendedAndTheseWait(t *testing.T) {
	w := waiting(t)
	w.edit(func(d *appsv1.Deployment) { d.Labels["app.kubernetes.io/managed-by"] = "somebody" })
	if got := get(w, fleet("b").Name(), &appsv1.Deployment{}).Labels["app.kubernetes.io/managed-by"]; got != "fleetgate" {
		t.Errorf("the label is %q", got)
	}
	w.images("proxy:2 proxy")
	w.take()
	w.look("b")
	if writes := w.take(); writes != nil {
		t.Errorf("mended, it writes %v", writes)
	}
	advance(w, "a", "NewReplicaSetAvailable")
	w.look("a")
	w.look("b")
	w.images("proxy:2 proxy:2")
}

// What others add is theirs, and no reason to replace pods before their turn.
func TestWhatOthersAddWaits(t *testing.T) {
	w := waiting(t)
	w.edit(func(d *appsv1.Deployment) {
		d.Spec.Template.Annotations = map[string]string{"kubectl.kubernetes.io/restartedAt": "now"}
	})
	w.images("proxy:2 proxy")
}

func TestWhatDoesNotServeAnywayDoesNotWait(t *testing.T) {
	w := running(t)
	live := get(w, fleet("b").Name(), &appsv1.Deployment{})
	live.Status.AvailableReplicas = 0
	w.must(w.client.Status().Update(t.Context(), live))
	w.gateways.opts.Settings.ProxyImage = "proxy:2"
	w.look("a")
	w.look("b")
	w.images("proxy:2 proxy:2")
}

func TestARolloutOutlivesTheOperator(t *testing.T) {
	w := running(t)
	w.gateways.opts.Settings.ProxyImage = "proxy:2"
	w.look("a")
	advance(w, "a", "ReplicaSetUpdated")
	opts := w.gateways.opts
	opts.Metrics = metrics.New(prometheus.NewRegistry(), w.gateways.tracker.Reporting)
	w.gateways = newGatewayReconciler(opts, w.gateways.tracker, w.routes, w.policies, w.parameters, w.gateways.bell)
	w.look("b")
	w.images("proxy:2 proxy")
}
