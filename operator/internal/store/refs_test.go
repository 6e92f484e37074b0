package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestParentGateway(t *testing.T) {
	tests := []struct {
		name string
		ref  gatewayv1.ParentReference
		want types.NamespacedName
		ok   bool
	}{
		{"defaults", gatewayv1.ParentReference{Name: "gw"}, types.NamespacedName{Namespace: "home", Name: "gw"}, true},
		{"another namespace", gatewayv1.ParentReference{Name: "gw", Namespace: new(gatewayv1.Namespace("away"))},
			types.NamespacedName{Namespace: "away", Name: "gw"}, true},
		{"a Service", gatewayv1.ParentReference{Name: "gw", Group: new(gatewayv1.Group("")), Kind: new(gatewayv1.Kind("Service"))},
			types.NamespacedName{}, false},
		{"a ListenerSet", gatewayv1.ParentReference{Name: "gw", Kind: new(gatewayv1.Kind("ListenerSet"))}, types.NamespacedName{}, false},
	}
	for _, tt := range tests {
		got, ok := ParentGateway("home", &tt.ref)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %v %v, want %v %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

func TestBackendServices(t *testing.T) {
	ref := func(name string) gatewayv1.BackendObjectReference {
		return gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(name)}
	}
	backend := func(name string, filters ...gatewayv1.HTTPRouteFilter) gatewayv1.HTTPBackendRef {
		return gatewayv1.HTTPBackendRef{BackendRef: gatewayv1.BackendRef{BackendObjectReference: ref(name)}, Filters: filters}
	}
	mirror := func(name string) gatewayv1.HTTPRouteFilter {
		return gatewayv1.HTTPRouteFilter{RequestMirror: &gatewayv1.HTTPRequestMirrorFilter{BackendRef: ref(name)}}
	}
	other := backend("not-a-service")
	other.Kind = new(gatewayv1.Kind("XBackend"))
	route := &gatewayv1.HTTPRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: "home"},
		Spec: gatewayv1.HTTPRouteSpec{Rules: []gatewayv1.HTTPRouteRule{
			{BackendRefs: []gatewayv1.HTTPBackendRef{backend("one"), other, backend("two", mirror("three"))}},
			{Filters: []gatewayv1.HTTPRouteFilter{mirror("four"), {ExternalAuth: &gatewayv1.HTTPExternalAuthFilter{BackendRef: ref("five")}}}, BackendRefs: []gatewayv1.HTTPBackendRef{backend("one")}},
		}},
	}
	var got []string
	for _, key := range BackendServices(route) {
		got = append(got, key.String())
	}
	if diff := cmp.Diff([]string{"home/five", "home/four", "home/one", "home/three", "home/two"}, got); diff != "" {
		t.Error(diff)
	}
}
