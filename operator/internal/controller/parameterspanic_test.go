package controller

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// named says whether an object has the name, as what a defect concerns may have.
func named(name string) func(client.Object) bool {
	return func(object client.Object) bool { return object.GetName() == name }
}

// trusting are parameters with the settings of proxies.
func trusting(hops int32) v1alpha1.GatewayParametersSpec {
	return v1alpha1.GatewayParametersSpec{Proxy: &v1alpha1.ProxyParameters{TrustedHops: new(hops)}}
}

// trusts is how many hops the proxies of a Gateway are told to trust.
func (w *world) trusts(gateway string) int {
	w.t.Helper()
	settings := w.stored(gateway).Settings
	if settings == nil || settings.TrustedHops == nil {
		return 0
	}
	return int(*settings.TrustedHops)
}

// Parameters that panic say so, with one Event. The fleets that use them stay as they are,
// and serve what changes of their routes.
func TestParametersThatPanicFailAlone(t *testing.T) {
	for _, broken := range []string{"own", "class"} {
		t.Run(broken, func(t *testing.T) {
			w := newWorld(t, withOwn(gateway("gw"), "own"), route("a", "gw"), parametersObject("own", replicas(3)), parametersObject("class", trusting(2)))
			w.parameterize("fleetgate", "class")
			w.look("gw")
			for _, name := range []string{"own", "class"} {
				w.lookAtParameters(name)
			}
			before := get(w, fleet("gw").Name(), &appsv1.Deployment{})
			w.take()

			w.breaks = named(broken)
			w.revise(parametersObject(broken, v1alpha1.GatewayParametersSpec{}))
			w.must(w.client.Create(t.Context(), route("b", "gw")))
			for range 2 {
				w.look("gw")
				if got := w.lookAtParameters(broken); got != "False InternalError 1 " {
					t.Errorf("the parameters say %q", got)
				}
			}
			if got := w.condition("gw", "Accepted"); got != "False InvalidParameters" {
				t.Errorf("the Gateway is %q", got)
			}
			if c := conditions.Find(get(w, "gw", &gatewayv1.Gateway{}).Status.Conditions, "Accepted"); !strings.Contains(c.Message, "tenant/"+broken) || !strings.Contains(c.Message, "a bug with an object") {
				t.Errorf("the Gateway says %q", c.Message)
			}
			var told []string
			for _, event := range w.events() {
				told = append(told, strings.Join(strings.Fields(event)[:2], " "))
			}
			if diff := cmp.Diff([]string{"Warning ParametersRefused", "Warning TranslationFailed"}, told); diff != "" {
				t.Errorf("the Events (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, get(w, fleet("gw").Name(), &appsv1.Deployment{})); diff != "" {
				t.Errorf("the Deployment (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"a", "b"}, w.answering("gw")); diff != "" || w.trusts("gw") != 2 {
				t.Errorf("the proxies trust %d hops, and of the routes (-want +got):\n%s", w.trusts("gw"), diff)
			}
			for other, want := range map[string]string{"own": "True Accepted 1", "class": "True Accepted 1"} {
				if got := w.lookAtParameters(other); other != broken && got != want {
					t.Errorf("%s says %q, want %q", other, got, want)
				}
			}

			w.parameters = newParametersReconciler(w.parameters.opts)
			w.take()
			if got := w.lookAtParameters(broken); got != "False InternalError 1 " || w.take() != nil || w.event() != "" {
				t.Errorf("another process says %q, or says it again", got)
			}

			w.breaks = nil
			w.gateways.parameters = w.parameters
			w.revise(parametersObject(broken, v1alpha1.GatewayParametersSpec{}))
			w.look("gw")
			if got := w.lookAtParameters(broken); got != "True Accepted 1" {
				t.Errorf("mended, the parameters say %q", got)
			}
			if got := w.condition("gw", "Accepted"); got != "True Accepted" {
				t.Errorf("mended, the Gateway is %q", got)
			}
		})
	}
}

// What panics with settings that the proxies have already leaves no configuration to give
// to them: they keep the last one, and the parameters say so all the same.
func TestSettingsInEffectThatPanic(t *testing.T) {
	for _, broken := range []string{"own", "class"} {
		t.Run(broken, func(t *testing.T) {
			specs := map[string]v1alpha1.GatewayParametersSpec{broken: trusting(2)}
			w := newWorld(t, withOwn(gateway("gw"), "own"), parametersObject("own", specs["own"]), parametersObject("class", specs["class"]))
			w.parameterize("fleetgate", "class")
			w.look("gw")

			w.gateways.opts.Translate = func(known *graph.Memory, in *store.Resources, opts graph.Options) *graph.Graph {
				g := known.Build(in, opts)
				if proxy := g.Gateway.Parameters.Spec.Proxy; proxy != nil && proxy.TrustedHops != nil {
					panic("a bug with hops")
				}
				return g
			}
			w.revise(gateway("gw"))
			w.look("gw")
			if got := w.lookAtParameters(broken); got != "False InternalError 1 " {
				t.Errorf("the parameters say %q", got)
			}
			c := conditions.Find(get(w, "gw", &gatewayv1.Gateway{}).Status.Conditions, "Programmed")
			if statusOf(c) != "False InternalError" || !strings.Contains(c.Message, "GatewayParameters tenant/"+broken) {
				t.Errorf("the Gateway says %+v", c)
			}
			if got := w.trusts("gw"); got != 2 {
				t.Errorf("the proxies trust %d hops", got)
			}
		})
	}
}

// A class without Gateways has its parameters read all the same.
func TestParametersWithoutGatewaysThatPanic(t *testing.T) {
	w := newWorld(t, parametersObject("class", replicas(1)))
	w.parameterize("fleetgate", "class")
	w.parameters.merge = func(*v1alpha1.GatewayParametersSpec, *v1alpha1.GatewayParametersSpec) (parameters.Effective, []parameters.Refusal) {
		panic("a bug with a field")
	}
	for _, want := range []string{"Warning TranslationFailed spec has no effect: it cannot be translated (panic: a bug with a field)", ""} {
		if got := w.lookAtParameters("class"); got != "False InternalError 0" {
			t.Errorf("they say %q", got)
		}
		if got := w.event(); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("got the Event %q, want %q", got, want)
		}
	}
	w.parameters.merge = parameters.Merge
	if got := w.lookAtParameters("class"); got != "True Accepted 0" {
		t.Errorf("mended, they say %q", got)
	}
}
