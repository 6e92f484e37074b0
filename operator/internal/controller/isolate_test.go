package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// saysOf is "status reason" of what an object says for the Gateway gw by a condition.
func (w *world) saysOf(object client.Object, typ string) string {
	w.t.Helper()
	if _, is := object.(*gatewayv1.ListenerSet); is {
		return w.setCondition(object.GetName(), typ)
	}
	live := get(w, object.GetName(), object.DeepCopyObject().(client.Object))
	for _, entry := range store.AncestorsOf(live) {
		if entry.ControllerName == controllerName && entry.AncestorRef.Name == "gw" {
			return statusOf(conditions.Find(entry.Conditions, typ))
		}
	}
	return ""
}

// What panics and is no route fails alone, as a route does: it says so, there is an Event,
// and once it is mended all is as before.
func TestWhatPanicsFailsAlone(t *testing.T) {
	tests := []struct {
		kind   string
		object client.Object
		// well is what it says when it does not panic.
		well string
		// leads is what the route that leads to it says of its references meanwhile.
		leads string
	}{
		{store.KindListenerSet, listenerSet("odd", "gw"), "True Accepted", "True ResolvedRefs"},
		{"BackendTLSPolicy", policy("odd"), "False NoValidCACertificate", "False InvalidBackendTLSPolicy"},
		{"XBackendTrafficPolicy", trafficPolicy("odd"), "True Accepted", "True ResolvedRefs"},
		{"XTelemetryPolicy", telemetryPolicy("odd", "gw"), "True Accepted", "True ResolvedRefs"},
		{store.KindXBackend, selecting("odd"), "True Accepted", "False InvalidXBackend"},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			leads := route("leads", "gw")
			if tt.kind == store.KindXBackend {
				toXBackend(leads, "odd")
			}
			w := newWorld(t, allowing(gateway("gw")), web(), leads, tt.object)
			w.breaks = func(object client.Object) bool { return object.GetName() == "odd" }
			for range 2 {
				w.look("gw")
				if got := w.saysOf(tt.object, "Accepted"); got != "False InternalError" {
					t.Errorf("it says %q", got)
				}
				if got := w.condition("gw", "Accepted"); got != "True Accepted" {
					t.Errorf("the Gateway is %q", got)
				}
				if got := w.accepted("leads"); got != "True Accepted" {
					t.Errorf("the route is %q", got)
				}
				refs := conditions.Find(get(w, "leads", &gatewayv1.HTTPRoute{}).Status.Parents[0].Conditions, "ResolvedRefs")
				if got := statusOf(refs); got != tt.leads {
					t.Errorf("the route's references are %q, want %q", got, tt.leads)
				}
			}
			if got := w.events(); len(got) != 1 || !strings.HasPrefix(got[0], "Warning TranslationFailed") || !strings.Contains(got[0], "a bug with an object") {
				t.Errorf("there are the events %q", got)
			}
			w.breaks = nil
			w.revise(tt.object)
			w.look("gw")
			if got := w.saysOf(tt.object, "Accepted"); got != tt.well {
				t.Errorf("mended, it says %q, want %q", got, tt.well)
			}
		})
	}
}

// mirroring has a route send copies to an XBackend.
func mirroring(r *gatewayv1.HTTPRoute, name string) *gatewayv1.HTTPRoute {
	to := toXBackend(route("to", "gw"), name).Spec.Rules[0].BackendRefs[0].BackendObjectReference
	r.Spec.Rules[0].Filters = []gatewayv1.HTTPRouteFilter{{
		Type: gatewayv1.HTTPRouteFilterRequestMirror, RequestMirror: &gatewayv1.HTTPRequestMirrorFilter{BackendRef: to},
	}}
	return r
}

// What is read because routes lead to it is found where it is the cause, and not the routes.
func TestARouteIsNotBlamedForWhatItLeadsTo(t *testing.T) {
	odd := store.ObjectKey{Kind: store.KindXBackend, NamespacedName: types.NamespacedName{Namespace: "tenant", Name: "odd"}}
	leads := func(r store.Route) bool { return slices.Contains(store.XBackends(r), odd.NamespacedName) }
	filters := func(r store.Route) bool {
		rules := r.(*gatewayv1.HTTPRoute).Spec.Rules
		return len(rules) > 0 && len(rules[0].Filters) > 0
	}
	tests := []struct {
		name string
		// make is the i-th of twenty routes.
		make func(*gatewayv1.HTTPRoute, int)
		// panics says whether a route does, given the XBackend.
		panics func(route store.Route, broken bool) bool
		want   store.ObjectKey
		// searched says that its later versions are not tried alone.
		searched bool
	}{
		{
			name:   "all lead to it",
			make:   func(r *gatewayv1.HTTPRoute, _ int) { toXBackend(r, "odd") },
			panics: func(r store.Route, broken bool) bool { return leads(r) && !broken },
			want:   odd,
		},
		{
			name: "one leads to it",
			make: func(r *gatewayv1.HTTPRoute, i int) {
				if i == 7 {
					toXBackend(r, "odd")
				}
			},
			panics: func(r store.Route, broken bool) bool { return leads(r) && !broken },
			want:   odd,
		},
		{
			name: "one sends copies to it",
			make: func(r *gatewayv1.HTTPRoute, i int) {
				if i == 7 {
					mirroring(r, "odd")
				}
			},
			panics: func(r store.Route, broken bool) bool { return leads(r) && !broken },
			want:   odd,
		},
		{
			name: "one leads to it and has the defect itself",
			make: func(r *gatewayv1.HTTPRoute, i int) {
				toXBackend(r, "odd")
				if i == 7 {
					mirroring(r, "fine")
				}
			},
			panics: func(r store.Route, _ bool) bool { return filters(r) },
			want:   store.ObjectKey{Kind: "HTTPRoute", NamespacedName: types.NamespacedName{Namespace: "tenant", Name: "r07"}},
		},
		{
			name:   "it takes what each route says as well",
			make:   func(r *gatewayv1.HTTPRoute, _ int) { mirroring(toXBackend(r, "odd"), "fine") },
			panics: func(r store.Route, broken bool) bool { return leads(r) && filters(r) && !broken },
			want:   odd, searched: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resources := &store.Resources{
				HTTPRoutes: make(map[types.NamespacedName]*gatewayv1.HTTPRoute),
				XBackends:  map[types.NamespacedName]*gatewayxv1alpha1.XBackend{odd.NamespacedName: selecting("odd"), {Name: "fine"}: selecting("fine")},
			}
			for i := range 20 {
				r := route(fmt.Sprintf("r%02d", i), "gw")
				tt.make(r, i)
				resources.HTTPRoutes[client.ObjectKeyFromObject(r)] = r
			}
			try := func(in *store.Resources) *panicError {
				_, broken := in.Broken[odd]
				for _, r := range in.Routes() {
					if tt.panics(r, broken) {
						return &panicError{value: "a bug"}
					}
				}
				return nil
			}
			found, isolated := isolate(resources, nil, try)
			if !isolated || len(found) != 1 || found[0].key != tt.want {
				t.Fatalf("found %+v, %v", found, isolated)
			}
			for range 2 {
				found = convict(resources, nil, found, try)
				if convicted := len(found) == 1 && found[0].key == tt.want; convicted == tt.searched {
					t.Errorf("of another version it is said: %+v", found)
				}
			}
		})
	}
}

// Of two that panicked and are others now, the one that is mended is not blamed for the
// other.
func TestSuspectsOfTwoKinds(t *testing.T) {
	for _, guilty := range []string{"set", "b"} {
		w := newWorld(t, allowing(gateway("gw")), listenerSet("set", "gw"), route("a", "gw"), route("b", "gw"))
		broken := map[string]bool{"set": true, "b": true}
		w.breaks = func(object client.Object) bool {
			http, is := object.(*gatewayv1.HTTPRoute)
			return broken[object.GetName()] && (!is || len(http.Spec.Rules[0].BackendRefs) > 0)
		}
		w.look("gw")
		want := map[string]string{"set": "False InternalError", "a": "True Accepted", "b": "False InternalError"}
		says := func() map[string]string {
			return map[string]string{"set": w.setCondition("set", "Accepted"), "a": w.accepted("a"), "b": w.accepted("b")}
		}
		if diff := cmp.Diff(want, says()); diff != "" {
			t.Fatalf("both (-want +got):\n%s", diff)
		}
		for name := range broken {
			if name != guilty {
				delete(broken, name)
				want[name] = "True Accepted"
			}
		}
		w.revise(route("b", "gw"))
		w.revise(listenerSet("set", "gw"))
		w.look("gw")
		if diff := cmp.Diff(want, says()); diff != "" {
			t.Errorf("%s alone (-want +got):\n%s", guilty, diff)
		}
	}
}

// Five thousand routes cost a search of a dozen translations, not of thousands.
func TestTheSearchIsShort(t *testing.T) {
	resources := &store.Resources{HTTPRoutes: make(map[types.NamespacedName]*gatewayv1.HTTPRoute)}
	for i := range 5000 {
		r := route(fmt.Sprintf("r%d", i), "gw")
		resources.HTTPRoutes[client.ObjectKeyFromObject(r)] = r
	}
	breaks := filtered("r4711")
	var tried []*store.Resources
	found, isolated := isolate(resources, nil, func(in *store.Resources) *panicError {
		tried = append(tried, in)
		for _, r := range in.Routes() {
			if breaks(r) {
				return &panicError{value: "a bug"}
			}
		}
		return nil
	})
	if !isolated || len(found) != 1 || found[0].key.Name != "r4711" {
		t.Fatalf("found %+v", found)
	}
	if len(tried) > 20 {
		t.Errorf("%d translations", len(tried))
	}
	rest := tried[len(tried)-1]
	if len(rest.HTTPRoutes) != 5000 || breaks(rest.HTTPRoutes[found[0].key.NamespacedName]) {
		t.Error("there is no stand-in")
	}
}
