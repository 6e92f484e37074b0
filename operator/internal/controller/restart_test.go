package controller

import (
	"strings"
	"testing"

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
	w := troubledWorld(t)
	w.play()
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
	w.boot()
	for range 2 {
		w.round()
		w.hear("gw", "second")
	}
	if diff := cmp.Diff([]string(nil), w.take()); diff != "" {
		t.Errorf("it writes:\n%s", diff)
	}
	if event := w.event(); event != "" {
		t.Errorf("it tells again: %s", event)
	}
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
