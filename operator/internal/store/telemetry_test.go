package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// telemetryPolicy targets a Gateway of its own namespace and sends to a Service.
func telemetryPolicy(namespace, name, gateway string, collector types.NamespacedName) *gatewayxv1alpha1.XTelemetryPolicy {
	p := &gatewayxv1alpha1.XTelemetryPolicy{ObjectMeta: meta(namespace, name)}
	p.Spec.TargetRefs = []gatewayv1.LocalObjectReference{{Group: gatewayv1.GroupName, Kind: "Gateway", Name: gatewayv1.ObjectName(gateway)}}
	p.Spec.Tracing.Provider.BackendRef = gatewayv1.BackendObjectReference{
		Namespace: new(gatewayv1.Namespace(collector.Namespace)), Name: gatewayv1.ObjectName(collector.Name),
	}
	return p
}

func TestCollectFindsWhatATelemetryPolicyNeeds(t *testing.T) {
	collector := key("mon", "collector")
	// It belongs to somebody to whom the Gateway sends something, and must not
	// have the Gateway's requests in return.
	stranger := telemetryPolicy("mon", "stranger", "collector", collector)
	stranger.Spec.TargetRefs[0].Group, stranger.Spec.TargetRefs[0].Kind = "", "Service"
	r := reader(t,
		class("fleetgate", controllerName), gateway("a", "gw", "fleetgate"), gateway("a", "apart", "fleetgate"),
		telemetryPolicy("a", "traces", "gw", collector), telemetryPolicy("b", "traces", "gw", collector), stranger,
		service("mon", "collector"), policy("mon", "collector", "collector"), grant("mon"), grant("c"),
	)
	got, err := store.Collect(t.Context(), r, key("a", "gw"), controllerName)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what      string
		want, got []string
	}{
		{"policies", []string{"a/traces"}, names(got.TelemetryPolicies)},
		{"Services", []string{"mon/collector"}, names(got.Services)},
		{"policies of the Service", []string{"mon/collector"}, names(got.BackendTLSPolicies)},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.what, diff)
		}
	}
	if len(got.Grants) != 1 || got.Grants[0].Namespace != "mon" {
		t.Errorf("got grants %v", got.Grants)
	}
	for _, obj := range []client.Object{
		telemetryPolicy("a", "traces", "gw", collector), service("mon", "collector"),
		policy("mon", "collector", "collector"), grant("mon"),
	} {
		touched, err := store.GatewaysFor(t.Context(), r, obj)
		if err != nil {
			t.Fatal(err)
		}
		var mine []types.NamespacedName
		for _, gateway := range touched {
			if gateway.Namespace == "a" {
				mine = append(mine, gateway)
			}
		}
		if diff := cmp.Diff([]types.NamespacedName{key("a", "gw")}, mine); diff != "" {
			t.Errorf("%T touches (-want +got):\n%s", obj, diff)
		}
	}
}

func TestCollectFindsAnXBackendThatATelemetryPolicySendsTo(t *testing.T) {
	traces, foreign := telemetryPolicy("a", "traces", "gw", key("a", "pay")), telemetryPolicy("a", "foreign", "gw", key("b", "pay"))
	for _, p := range []*gatewayxv1alpha1.XTelemetryPolicy{traces, foreign} {
		ref := &p.Spec.Tracing.Provider.BackendRef
		ref.Group, ref.Kind = new(gatewayv1.Group(gatewayxv1alpha1.GroupName)), new(gatewayv1.Kind(store.KindXBackend))
	}
	r := reader(t,
		class("fleetgate", controllerName), gateway("a", "gw", "fleetgate"), gateway("a", "apart", "fleetgate"), traces, foreign,
		xbackend("a", "pay"), xbackend("b", "pay"), selector("a", "pay"), selected("a", "pay-1", "pay"), trafficPolicyOfXBackend("a", "pay"),
	)
	got, err := store.Collect(t.Context(), r, key("a", "gw"), controllerName)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/pay"}, names(got.XBackends)); diff != "" {
		t.Errorf("XBackends (-want +got):\n%s", diff)
	}
	if slices := got.XBackendSlices[key("a", "pay")]; len(slices) != 1 {
		t.Errorf("got EndpointSlices %v", slices)
	}
	for _, obj := range []client.Object{
		xbackend("a", "pay"), selected("a", "pay-1", "pay"), selector("a", "pay"), trafficPolicyOfXBackend("a", "pay"),
	} {
		checkGatewaysFor(t, r, obj, []string{"a/gw"})
	}
	checkGatewaysFor(t, r, xbackend("b", "pay"), nil)
}

func grant(namespace string) *gatewayv1.ReferenceGrant {
	return &gatewayv1.ReferenceGrant{ObjectMeta: meta(namespace, "grant")}
}
