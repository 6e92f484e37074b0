package controller

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

// inOneGoroutine is for tests that take minutes under the race detector, and have
// nothing in them for it to find.
func inOneGoroutine(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("there is one goroutine")
	}
}

// A burst of routes is looked at as often as events come, which is here after
// each fifty of them, within ten seconds.
func TestBurstOfRoutesWritesLittle(t *testing.T) {
	inOneGoroutine(t)
	const routes, batch = 1000, 50
	w := newWorld(t, gateway("gw"))
	w.look("gw")
	w.take()
	wrote := map[string]int{}
	look := func() time.Duration {
		result := w.look("gw")
		for _, write := range w.take() {
			wrote[write]++
		}
		return result.RequeueAfter
	}
	for i := range routes {
		w.must(w.client.Create(t.Context(), route(fmt.Sprintf("r%04d", i), "gw")))
		w.take()
		if i%batch == batch-1 {
			look()
			w.now = w.now.Add(10 * time.Second * batch / routes)
		}
	}
	w.now = w.now.Add(look())
	look()
	if n := wrote["status gw"]; n == 0 || n > 15 {
		t.Errorf("%d writes of the Gateway's status", n)
	}
	for i := range routes {
		if name := fmt.Sprintf("status r%04d", i); wrote[name] != 1 {
			t.Fatalf("%q was written %d times", name, wrote[name])
		}
	}
	if got := get(w, "gw", &gatewayv1.Gateway{}).Status.Listeners[0].AttachedRoutes; got != routes {
		t.Errorf("%d attached routes", got)
	}
	w.now = w.now.Add(time.Minute)
	w.look("gw")
	if writes := w.take(); writes != nil {
		t.Errorf("nothing has changed, and it writes %v", writes)
	}
}

// noise is text that cannot be compressed to less than half of its size.
func noise(n, seed int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		sum := sha256.Sum256(fmt.Append(nil, seed, i))
		b.WriteString(hex.EncodeToString(sum[:]))
	}
	return b.String()[:n]
}

// Of the routes of one part some are too many: the newest are told that they are
// not served, and everything else is.
func TestWhatExceedsTheBudgetIsToldAndTheRestServes(t *testing.T) {
	inOneGoroutine(t)
	w := newWorld(t, gateway("gw"), gateway("other"), route("away", "other"))
	w.look("other")
	w.look("gw")
	edit := func(i int) *gatewayv1.HTTPHeaderFilter {
		return &gatewayv1.HTTPHeaderFilter{Set: []gatewayv1.HTTPHeader{{Name: "x", Value: noise(4000, i)}}}
	}
	// All names that fall into one part would have to be found by trial, so every
	// part gets too much: sixteen rules with sixty-four kilobytes each.
	const routes = 16 * 14
	for i := range routes {
		r := route(fmt.Sprintf("r%03d", i), "gw")
		r.CreationTimestamp = metav1.NewTime(time.Unix(int64(1e9+i), 0))
		r.Spec.Rules = nil
		for j := range 20 {
			r.Spec.Rules = append(r.Spec.Rules, gatewayv1.HTTPRouteRule{Filters: []gatewayv1.HTTPRouteFilter{{
				Type: gatewayv1.HTTPRouteFilterRequestHeaderModifier, RequestHeaderModifier: edit(i*20 + j),
			}}})
		}
		w.must(w.client.Create(t.Context(), r))
	}
	w.take()
	w.now = w.now.Add(time.Minute)
	w.look("gw")
	w.look("other")
	if event := w.event(); !strings.HasPrefix(event, "Warning ConfigTooLarge") {
		t.Errorf("got event %q", event)
	}
	served := w.served("gw")
	var oldest, told int
	for i := range routes {
		name := fmt.Sprintf("r%03d", i)
		accepted := conditions.Find(get(w, name, &gatewayv1.HTTPRoute{}).Status.Parents[0].Conditions, "Accepted")
		if is := accepted.Status == metav1.ConditionTrue; is != served[name] {
			t.Fatalf("route %s is served: %v, and its condition says %s: %s", name, served[name], accepted.Reason, accepted.Message)
		}
		if accepted.Status == metav1.ConditionFalse {
			told++
			if accepted.Reason != "ConfigTooLarge" {
				t.Fatalf("route %s has the reason %s", name, accepted.Reason)
			}
		} else if i < 32 {
			oldest++
		}
	}
	if told == 0 || told == routes || oldest < 24 {
		t.Errorf("%d of %d routes do not fit, and %d of the oldest 32 do", told, routes, oldest)
	}
	if w.take(); w.served("other")["away"] != true {
		t.Error("another Gateway was touched")
	}
	w.look("gw")
	if slices.ContainsFunc(w.take(), func(write string) bool { return strings.Contains(write, "config") }) {
		t.Error("what does not fit is stored again and again")
	}
}

// served are the routes of a Gateway's stored configuration, whether it is one
// document or lies in parts.
func (w *world) served(gateway string) map[string]bool {
	w.t.Helper()
	config := w.stored(gateway)
	for _, p := range config.Parts {
		live := get(w, fleet(gateway).ConfigMap()+"-"+p.Name(), &corev1.ConfigMap{})
		part, _, err := proxyconfig.DecodePart(p, live.BinaryData[p.Key()])
		w.must(err)
		config.Routes = append(config.Routes, part.Routes...)
	}
	names := map[string]bool{}
	for _, r := range config.Routes {
		names[r.Name] = true
	}
	return names
}
