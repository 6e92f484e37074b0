package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// asking are filters that ask a Service.
func asking(service types.NamespacedName) *gatewayv1.ListenerFilters {
	return &gatewayv1.ListenerFilters{Requests: []gatewayv1.ListenerFilter{
		{Type: gatewayv1.ListenerFilterExtensionRef, ExtensionRef: &gatewayv1.LocalObjectReference{}},
		{Type: gatewayv1.ListenerFilterExternalAuth, ExternalAuth: &gatewayv1.HTTPExternalAuthFilter{
			BackendRef: gatewayv1.BackendObjectReference{
				Namespace: new(gatewayv1.Namespace(service.Namespace)), Name: gatewayv1.ObjectName(service.Name),
			},
		}},
	}}
}

// What the filters of listeners ask belongs to the Gateway, though no route leads
// there.
func TestServicesOfListenerFilters(t *testing.T) {
	gw := gateway("a", "gw", "fleetgate")
	gw.Spec.Listeners = []gatewayv1.Listener{{Filters: asking(key("auth", "one"))}, {Filters: asking(key("a", "own"))}}
	set := listenerSet("b", "set", key("a", "gw"), key("b", "cert"))
	set.Spec.Listeners[0].Filters = asking(key("keys", "two"))
	r := reader(t, class("fleetgate", controllerName), gw, set,
		service("auth", "one"), service("a", "own"), service("keys", "two"), service("auth", "other"), endpoints("keys", "two-1", "two"),
		&gatewayv1.ReferenceGrant{ObjectMeta: meta("auth", "x")}, &gatewayv1.ReferenceGrant{ObjectMeta: meta("keys", "x")},
	)
	got, err := store.Collect(t.Context(), r, key("a", "gw"), controllerName)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/own", "auth/one", "keys/two"}, names(got.Services)); diff != "" {
		t.Errorf("Services (-want +got):\n%s", diff)
	}
	if len(got.EndpointSlices[key("keys", "two")]) != 1 || len(got.Grants) != 2 {
		t.Errorf("got %d slices and %d grants", len(got.EndpointSlices[key("keys", "two")]), len(got.Grants))
	}
	for _, tt := range []struct {
		name string
		obj  client.Object
		want []string
	}{
		{"a Service leads by the Gateway's listeners", service("auth", "one"), []string{"a/gw"}},
		{"and by those of ListenerSets", service("keys", "two"), []string{"a/gw"}},
		{"so do its endpoints", endpoints("keys", "two-2", "two"), []string{"a/gw"}},
		{"any other leads nowhere", service("auth", "other"), nil},
		{"a grant leads by whoever refers into its namespace", &gatewayv1.ReferenceGrant{ObjectMeta: meta("auth", "new")}, []string{"a/gw"}},
		{"by a ListenerSet too", &gatewayv1.ReferenceGrant{ObjectMeta: meta("keys", "new")}, []string{"a/gw"}},
	} {
		t.Run(tt.name, func(t *testing.T) { checkGatewaysFor(t, r, tt.obj, tt.want) })
	}
}
