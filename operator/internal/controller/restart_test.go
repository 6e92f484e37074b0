package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// A new process finds everything as it left it, and writes nothing: no status is taken
// back until the proxies are heard of, no object is applied for the sake of it, and no
// trouble is told of again.
func TestARestartWritesNothing(t *testing.T) {
	w, _ := troubled(t)
	w.boot()
	w.wantNothing("gw", "second")
}

// A process that has a thousand proxies to ask may run out of time with the first attempt
// at each. That tells nothing of them.
func TestARestartWritesNothingWhenFirstAttemptsFail(t *testing.T) {
	w, proxies := troubled(t)
	w.patience = 10 * time.Millisecond
	unstick := proxies.stick()
	w.boot()
	w.round()
	w.until("all proxies to be asked", func() bool { return proxies.asked() == 4 })
	time.Sleep(5 * w.patience)
	unstick()
	w.wantNothing("gw", "second")
}

// wantNothing has a process that was just booted look at everything, before and after it
// has heard of the proxies of the Gateways.
func (w *world) wantNothing(gateways ...string) {
	w.t.Helper()
	for range 2 {
		w.round()
		w.hear(gateways...)
	}
	w.round()
	if diff := cmp.Diff([]string(nil), w.take()); diff != "" {
		w.t.Errorf("it writes:\n%s", diff)
	}
	if event := w.event(); event != "" {
		w.t.Errorf("it tells again: %s", event)
	}
}

// troubled is a world where all has been said of two Gateways with their proxies, one of
// which has troubles. Its process has ended.
func troubled(t *testing.T) (*world, *played) {
	t.Helper()
	w := troubledWorld(t)
	proxies := w.play()
	w.boot()
	w.settle()
	w.runPods("gw")
	w.runPods("second")
	w.waitServes("gw")
	w.hear("second")
	w.settle()
	if got := w.condition("gw", "Programmed"); got != "True Programmed" {
		t.Fatalf("before, Programmed is %s", got)
	}
	if got := w.programmedMessage("second"); !strings.Contains(got, "Service tenant/second-fleetgate exists and does not belong") {
		t.Fatalf("before, the one with troubles says %q", got)
	}
	told := 0
	for len(w.recorder.Events) > 0 {
		<-w.recorder.Events
		told++
	}
	if told < 2 {
		t.Fatalf("before, %d troubles were told of", told)
	}
	w.gateways.tracker.Stop()
	return w, proxies
}

// troubledWorld has two Gateways with something of each kind, of which the second cannot
// have all that it wants.
func troubledWorld(t *testing.T) *world {
	t.Helper()
	reserving := replicas(2)
	reserving.Reserved = []v1alpha1.FieldPath{"workload.replicas"}
	inTheWay := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: fleet("second").Name(), UID: "theirs"}}
	w := newWorld(t,
		allowing(gateway("gw")), withOwn(gateway("second"), "own"), parametersObject("own", replicas(50)), parametersObject("class", reserving),
		listenerSet("set", "gw"), route("web", "gw"), routeOf("more", "set"), route("other", "second", "gw"), web(), policy("web"),
		keyPair(t, "pair"), inTheWay)
	w.parameterize("fleetgate", "class")
	gw := get(w, "gw", &gatewayv1.Gateway{})
	gw.Spec.Listeners = append(gw.Spec.Listeners, gatewayv1.Listener{
		Name: "https", Port: 443, Protocol: gatewayv1.HTTPSProtocolType,
		TLS: &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Name: "pair"}}},
	})
	w.must(w.client.Update(t.Context(), gw))
	return w
}
