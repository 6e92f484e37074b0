package store_test

import (
	"slices"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

func bundle(name string) *certificatesv1.ClusterTrustBundle {
	return &certificatesv1.ClusterTrustBundle{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func TestTrustBundles(t *testing.T) {
	gw := gateway("a", "gw", "fleetgate")
	gw.Spec.TLS = &gatewayv1.GatewayTLSConfig{Frontend: &gatewayv1.FrontendTLSConfig{
		PerPort: []gatewayv1.TLSPortConfig{{Port: 443, TLS: gatewayv1.TLSConfig{Validation: &gatewayv1.FrontendTLSValidation{
			CACertificateRefs: []gatewayv1.ObjectReference{
				{Group: "certificates.k8s.io", Kind: "ClusterTrustBundle", Name: "clients"}, {Kind: "ClusterTrustBundle", Name: "unrelated"},
			},
		}}}},
	}}
	policy := &gatewayv1.BackendTLSPolicy{ObjectMeta: meta("a", "web")}
	policy.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReferenceWithSectionName{{
		LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{Kind: "Service", Name: "web"},
	}}
	policy.Spec.Validation.CACertificateRefs = []gatewayv1.LocalObjectReference{{Group: "certificates.k8s.io", Kind: "ClusterTrustBundle", Name: "backends"}}
	r := reader(t, class("fleetgate", controllerName), gw, policy, route("a", "web", key("a", "gw"), key("a", "web")), service("a", "web"),
		bundle("clients"), bundle("backends"), bundle("unrelated"))
	got, err := store.Collect(t.Context(), r, key("a", "gw"), controllerName)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for name := range got.TrustBundles {
		found = append(found, name)
	}
	if slices.Sort(found); !slices.Equal(found, []string{"backends", "clients"}) {
		t.Errorf("got the bundles %v", found)
	}
	for _, tt := range []struct {
		name string
		obj  client.Object
		want []string
	}{
		{"a bundle leads to whose clients it vouches for", bundle("clients"), []string{"a/gw"}},
		{"and by policies", bundle("backends"), []string{"a/gw"}},
		{"in any version", &certificatesv1beta1.ClusterTrustBundle{ObjectMeta: metav1.ObjectMeta{Name: "backends"}}, []string{"a/gw"}},
		{"any other leads nowhere", bundle("unrelated"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) { checkGatewaysFor(t, r, tt.obj, tt.want) })
	}
}
