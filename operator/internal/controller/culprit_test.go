package controller

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// filtered says whether a route of one of the names has a filter or a backend, as one
// that a defect concerns may have.
func filtered(names ...string) func(store.Route) bool {
	return func(route store.Route) bool {
		http, is := route.(*gatewayv1.HTTPRoute)
		return is && slices.Contains(names, http.Name) && len(http.Spec.Rules) > 0 && len(http.Spec.Rules[0].BackendRefs) > 0
	}
}

// accepted returns "status reason" of what a route says of its only parent.
func (w *world) accepted(name string) string {
	w.t.Helper()
	for _, parent := range get(w, name, &gatewayv1.HTTPRoute{}).Status.Parents {
		for _, c := range parent.Conditions {
			if c.Type == string(gatewayv1.RouteConditionAccepted) {
				return string(c.Status) + " " + c.Reason
			}
		}
	}
	return ""
}

// answering are the names of the routes in the configuration, those in brackets that
// answer with an error alone.
func (w *world) answering(gateway string) []string {
	w.t.Helper()
	var names []string
	for _, route := range w.stored(gateway).Routes {
		name := route.Name
		if len(route.Rules) == 0 || len(route.Rules[0].Backends) == 0 {
			name = "(" + name + ")"
		}
		names = append(names, name)
	}
	return names
}

func TestARouteThatPanicsFailsAlone(t *testing.T) {
	w := newWorld(t, gateway("gw"), gateway("other"), route("a", "gw"), route("b", "gw"), route("c", "gw"), route("d", "gw"), route("x", "other"))
	w.breaks = filtered("b", "d")
	result := w.look("gw")
	if diff := cmp.Diff([]string{"a", "(b)", "c", "(d)"}, w.answering("gw")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"a": "True Accepted", "b": "False InternalError", "c": "True Accepted", "d": "False InternalError"} {
		if got := w.accepted(name); got != want {
			t.Errorf("route %s is %q, want %q", name, got, want)
		}
	}
	if result.RequeueAfter <= 0 || result.RequeueAfter > panicPause {
		t.Errorf("to be looked at again after %s", result.RequeueAfter)
	}
	for _, name := range []string{"b", "d"} {
		if event := <-w.recorder.Events; !strings.HasPrefix(event, "Warning TranslationFailed") || !strings.Contains(event, "a bug with a route") {
			t.Errorf("of %s got the event %q", name, event)
		}
	}
	if got := w.condition("gw", "Accepted"); got != "True Accepted" {
		t.Errorf("the Gateway is %q", got)
	}

	w.take()
	if w.look("gw"); w.take() != nil || w.event() != "" {
		t.Error("looked at again, it tells it again")
	}
	w.look("other")
	if got := w.accepted("x"); got != "True Accepted" {
		t.Errorf("the other Gateway's route is %q", got)
	}
}

// The search is done once for each version of a route.
func TestAPanicIsNotSearchedForAgain(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("a", "gw"), route("b", "gw"))
	w.breaks = filtered("b")
	w.look("gw")
	panics := 0
	w.breaks = func(route store.Route) bool {
		broken := filtered("b")(route)
		if broken {
			panics++
		}
		return broken
	}
	w.look("gw")
	if panics != 0 {
		t.Errorf("the route was translated %d times more", panics)
	}
	w.now = w.now.Add(panicPause)
	if w.look("gw"); panics == 0 {
		t.Error("long after, it is not tried again")
	}
	mended := get(w, "b", &gatewayv1.HTTPRoute{})
	mended.Generation++
	w.must(w.client.Update(t.Context(), mended))
	w.breaks = nil
	w.look("gw")
	if got := w.accepted("b"); got != "True Accepted" {
		t.Errorf("mended, the route is %q", got)
	}
	if diff := cmp.Diff([]string{"a", "b"}, w.answering("gw")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A route whose matches are the cause loses these, too; with what is left of it panicking
// the Gateway is given up.
func TestHowFarAStandInGoes(t *testing.T) {
	tests := []struct {
		name   string
		breaks func(store.Route) bool
		want   string
	}{
		{"rules", func(r store.Route) bool { return r.GetName() == "b" && len(r.(*gatewayv1.HTTPRoute).Spec.Rules) > 0 }, "True Accepted"},
		{"anything", func(r store.Route) bool { return r.GetName() == "b" }, "False InternalError"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, gateway("gw"), route("a", "gw"), route("b", "gw"))
			w.breaks = tt.breaks
			w.look("gw")
			typ := "Accepted"
			if tt.want != "True Accepted" {
				typ = "Programmed"
			}
			if got := w.condition("gw", typ); got != tt.want {
				t.Errorf("%s of the Gateway is %q, want %q", typ, got, tt.want)
			}
		})
	}
}

// revise stores a new version of an object.
func (w *world) revise(object client.Object) {
	w.t.Helper()
	live := get(w, object.GetName(), object.DeepCopyObject().(client.Object))
	live.SetGeneration(live.GetGeneration() + 1)
	w.must(w.client.Update(w.t.Context(), live))
}

// statusOf is "status reason" of a condition.
func statusOf(c *metav1.Condition) string {
	if c == nil {
		return ""
	}
	return string(c.Status) + " " + c.Reason
}

// A route that panics in each of its versions has all others looked at once.
func TestEachVersionOfACulpritIsTriedAlone(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("a", "gw"), route("b", "gw"), route("c", "gw"))
	w.breaks = filtered("b")
	w.look("gw")
	w.look("gw")
	for range 3 {
		var tried []string
		w.breaks = func(route store.Route) bool {
			if len(route.(*gatewayv1.HTTPRoute).Spec.Rules[0].BackendRefs) > 0 {
				tried = append(tried, route.GetName())
			}
			return filtered("b")(route)
		}
		w.revise(route("b", "gw"))
		w.look("gw")
		slices.Sort(tried)
		if diff := cmp.Diff([]string{"a", "b", "c"}, tried); diff != "" {
			t.Errorf("translated (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"a", "(b)", "c"}, w.answering("gw")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		b := get(w, "b", &gatewayv1.HTTPRoute{})
		if got := b.Status.Parents[0].Conditions[0]; got.ObservedGeneration != b.Generation || got.Reason != "InternalError" {
			t.Errorf("of generation %d it is said %+v", b.Generation, got)
		}
	}
}

// A route that was the cause once is not taken for it when another one is.
func TestASuspectMayBeInnocent(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("a", "gw"), route("b", "gw"), route("c", "gw"))
	w.breaks = filtered("b")
	w.look("gw")
	w.revise(route("b", "gw"))
	w.breaks = filtered("c")
	w.look("gw")
	if diff := cmp.Diff([]string{"a", "b", "(c)"}, w.answering("gw")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"b": "True Accepted", "c": "False InternalError"} {
		if got := w.accepted(name); got != want {
			t.Errorf("route %s is %q, want %q", name, got, want)
		}
	}
}
