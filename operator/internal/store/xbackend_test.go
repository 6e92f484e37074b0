package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// xbackend selects pods, trusts a ConfigMap of its own name, and presents a Secret
// of another namespace.
func xbackend(namespace, name string) *gatewayxv1alpha1.XBackend {
	b := &gatewayxv1alpha1.XBackend{ObjectMeta: meta(namespace, name)}
	b.UID = types.UID("xbackend-" + name)
	b.Spec.Type = gatewayxv1alpha1.BackendTypeEndpointSelector
	b.Spec.TLS = &gatewayxv1alpha1.BackendTLS{
		ClientCertificateRef: &gatewayv1.SecretObjectReference{Namespace: new(gatewayv1.Namespace("vault")), Name: gatewayv1.ObjectName(name)},
		Validation: &gatewayv1.BackendTLSPolicyValidation{
			CACertificateRefs: []gatewayv1.LocalObjectReference{{Kind: "ConfigMap", Name: gatewayv1.ObjectName(name)}},
		},
	}
	return b
}

// toXBackends has all references of a route lead to XBackends.
func toXBackends(r *gatewayv1.HTTPRoute) *gatewayv1.HTTPRoute {
	for i := range r.Spec.Rules[0].BackendRefs {
		ref := &r.Spec.Rules[0].BackendRefs[i]
		ref.Group, ref.Kind = new(gatewayv1.Group(gatewayxv1alpha1.GroupName)), new(gatewayv1.Kind(store.KindXBackend))
	}
	return r
}

// selector is the Service that was made for an XBackend.
func selector(namespace, xbackend string) *corev1.Service {
	s := service(namespace, xbackend+"-x7k2p")
	s.UID = types.UID("service-" + xbackend)
	s.OwnerReferences = controlledBy(store.KindXBackend, xbackend, "xbackend-"+xbackend)
	return s
}

func controlledBy(kind, name, uid string) []metav1.OwnerReference {
	return []metav1.OwnerReference{{Kind: kind, Name: name, UID: types.UID(uid), Controller: new(true)}}
}

// selected is an EndpointSlice of that Service.
func selected(namespace, name, xbackend string) *discoveryv1.EndpointSlice {
	slice := endpoints(namespace, name, xbackend+"-x7k2p")
	slice.Labels["fleetgate.io/xbackend"] = xbackend
	slice.OwnerReferences = controlledBy("Service", xbackend+"-x7k2p", "service-"+xbackend)
	return slice
}

// trafficPolicyOfXBackend targets the XBackend of its own name.
func trafficPolicyOfXBackend(namespace, name string) *gatewayxv1alpha1.XBackendTrafficPolicy {
	p := trafficPolicy(namespace, name, name)
	p.Spec.TargetRefs[0].Group, p.Spec.TargetRefs[0].Kind = gatewayxv1alpha1.GroupName, store.KindXBackend
	return p
}

func beyond() []client.Object {
	objects := []client.Object{
		class("fleetgate", controllerName), gateway("a", "gw", "fleetgate"),
		toXBackends(route("a", "web", key("a", "gw"), key("a", "pay"), key("b", "pay"), key("a", "missing"))),
		selector("a", "pay"), selector("b", "pay"), selector("a", "unused"),
		selected("a", "pay-2", "pay"), selected("a", "pay-1", "pay"), selected("b", "pay-1", "pay"), selected("a", "unused-1", "unused"),
		&gatewayv1.ReferenceGrant{ObjectMeta: meta("b", "a")}, &gatewayv1.ReferenceGrant{ObjectMeta: meta("vault", "a")},
		&gatewayv1.ReferenceGrant{ObjectMeta: meta("c", "a")},
	}
	for _, name := range []string{"pay", "unused"} {
		objects = append(objects, xbackend("a", name), service("a", name), &corev1.ConfigMap{ObjectMeta: meta("a", name)}, &corev1.Secret{ObjectMeta: meta("vault", name)})
	}
	for _, name := range []string{"pay", "unused"} {
		objects = append(objects, trafficPolicyOfXBackend("a", name))
	}
	return append(objects, xbackend("b", "pay"))
}

func TestCollectXBackends(t *testing.T) {
	got, err := store.Collect(t.Context(), reader(t, beyond()...), key("a", "gw"), controllerName)
	if err != nil {
		t.Fatal(err)
	}
	var slices, grants []string
	for _, slice := range got.XBackendSlices[key("a", "pay")] {
		slices = append(slices, slice.Name)
	}
	for _, grant := range got.Grants {
		grants = append(grants, grant.Namespace)
	}
	for _, tt := range []struct {
		what      string
		want, got []string
	}{
		{"XBackends", []string{"a/pay"}, names(got.XBackends)},
		{"Services", nil, names(got.Services)},
		{"policies", []string{"a/pay"}, names(got.TrafficPolicies)},
		{"ConfigMaps", []string{"a/pay"}, names(got.ConfigMaps)},
		{"Secrets", []string{"vault/pay"}, names(got.Secrets)},
		{"EndpointSlices", []string{"pay-1", "pay-2"}, slices},
		{"grants", []string{"vault"}, grants},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: %s", tt.what, diff)
		}
	}
}

// TestSlicesOfOthersAreNotSelected has somebody put the XBackend's label on
// EndpointSlices that were not made for it.
func TestSlicesOfOthersAreNotSelected(t *testing.T) {
	bare := selected("a", "bare", "pay")
	bare.OwnerReferences = nil
	byXBackend := selected("a", "by-xbackend", "pay")
	byXBackend.OwnerReferences = controlledBy(store.KindXBackend, "pay", "xbackend-pay")
	own := service("a", "theirs")
	own.UID = "service-theirs"
	ofTheirs := selected("a", "of-theirs", "pay")
	ofTheirs.OwnerReferences = controlledBy("Service", "theirs", "service-theirs")
	ofEarlier := selected("a", "of-earlier", "pay")
	ofEarlier.OwnerReferences = controlledBy("Service", "pay-x7k2p", "service-earlier")
	claimed := service("a", "claimed")
	claimed.UID, claimed.OwnerReferences = "service-claimed", controlledBy(store.KindXBackend, "pay", "xbackend-earlier")
	ofClaimed := selected("a", "of-claimed", "pay")
	ofClaimed.OwnerReferences = controlledBy("Service", "claimed", "service-claimed")
	ofNone := selected("a", "of-none", "pay")
	ofNone.OwnerReferences = controlledBy("Service", "gone", "service-gone")
	all := append(beyond(), bare, byXBackend, own, ofTheirs, ofEarlier, claimed, ofClaimed, ofNone)
	got, err := store.Collect(t.Context(), reader(t, all...), key("a", "gw"), controllerName)
	if err != nil {
		t.Fatal(err)
	}
	var slices []string
	for _, slice := range got.XBackendSlices[key("a", "pay")] {
		slices = append(slices, slice.Name)
	}
	if diff := cmp.Diff([]string{"pay-1", "pay-2"}, slices); diff != "" {
		t.Errorf("EndpointSlices (-want +got):\n%s", diff)
	}
}

func TestGatewaysForWhatXBackendsNeed(t *testing.T) {
	said := xbackend("a", "unused")
	said.Status.Ancestors = []gatewayxv1alpha1.BackendAncestorStatus{{AncestorRef: parent(key("x", "gw")), ControllerName: "any"}}
	tests := []struct {
		name string
		obj  client.Object
		want []string
	}{
		{"an XBackend leads by routes", xbackend("a", "pay"), []string{"a/gw"}},
		{"one that does not exist, too", xbackend("a", "missing"), []string{"a/gw"}},
		{"and to those in its status", said, []string{"x/gw"}},
		{"one that no route names leads nowhere", xbackend("a", "unused"), nil},
		{"what it selects leads by its label", selected("a", "pay-3", "pay"), []string{"a/gw"}},
		{"that of another one does not", selected("a", "unused-1", "unused"), nil},
		{"the Service that was made for it does", selector("a", "pay"), []string{"a/gw"}},
		{"a Service of the same name does not", service("a", "pay"), nil},
		{"a policy of it does", trafficPolicyOfXBackend("a", "pay"), []string{"a/gw"}},
		{"a policy of another one does not", trafficPolicyOfXBackend("a", "unused"), nil},
		{"a policy of a Service of the same name does not", trafficPolicy("a", "pay", "pay"), nil},
		{"its ConfigMap does", &corev1.ConfigMap{ObjectMeta: meta("a", "pay")}, []string{"a/gw"}},
		{"and its Secret", &corev1.Secret{ObjectMeta: meta("vault", "pay")}, []string{"a/gw"}},
		{"a grant for the Secret does", &gatewayv1.ReferenceGrant{ObjectMeta: meta("vault", "x")}, []string{"a/gw"}},
		{"a grant for an XBackend does not", &gatewayv1.ReferenceGrant{ObjectMeta: meta("b", "x")}, nil},
		{"another grant does not", &gatewayv1.ReferenceGrant{ObjectMeta: meta("c", "x")}, nil},
	}
	r := reader(t, beyond()...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkGatewaysFor(t, r, tt.obj, tt.want) })
	}
}
