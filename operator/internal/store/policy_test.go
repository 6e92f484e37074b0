package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// policy trusts a ConfigMap and a Secret, each of the policy's own name.
func policy(namespace, name, service string) *gatewayv1.BackendTLSPolicy {
	p := &gatewayv1.BackendTLSPolicy{ObjectMeta: meta(namespace, name)}
	p.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReferenceWithSectionName{{
		LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{Kind: "Service", Name: gatewayv1.ObjectName(service)},
	}}
	for _, kind := range []gatewayv1.Kind{"ConfigMap", "Secret"} {
		p.Spec.Validation.CACertificateRefs = append(p.Spec.Validation.CACertificateRefs,
			gatewayv1.LocalObjectReference{Kind: kind, Name: gatewayv1.ObjectName(name)})
	}
	return p
}

func trafficPolicy(namespace, name, service string) *gatewayxv1alpha1.XBackendTrafficPolicy {
	p := &gatewayxv1alpha1.XBackendTrafficPolicy{ObjectMeta: meta(namespace, name)}
	p.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReference{{Kind: "Service", Name: gatewayv1.ObjectName(service)}}
	return p
}

func speaking(p *gatewayv1.BackendTLSPolicy, gateway types.NamespacedName, controller string) *gatewayv1.BackendTLSPolicy {
	p.Status.Ancestors = append(p.Status.Ancestors, gatewayv1.PolicyAncestorStatus{
		AncestorRef: parent(gateway), ControllerName: gatewayv1.GatewayController(controller), Conditions: []metav1.Condition{},
	})
	return p
}

// grpc leads to the Services, the last of which is mirrored to.
func grpc(namespace, name string, gateway types.NamespacedName, services ...string) *gatewayv1.GRPCRoute {
	r := &gatewayv1.GRPCRoute{ObjectMeta: meta(namespace, name)}
	r.Spec.ParentRefs = []gatewayv1.ParentReference{parent(gateway)}
	rule := gatewayv1.GRPCRouteRule{}
	for i, service := range services {
		ref := gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(service)}
		if i == len(services)-1 {
			rule.Filters = []gatewayv1.GRPCRouteFilter{{RequestMirror: &gatewayv1.HTTPRequestMirrorFilter{BackendRef: ref}}}
			continue
		}
		rule.BackendRefs = append(rule.BackendRefs, gatewayv1.GRPCBackendRef{BackendRef: gatewayv1.BackendRef{BackendObjectReference: ref}})
	}
	r.Spec.Rules = []gatewayv1.GRPCRouteRule{rule}
	return r
}

// presenting is a Gateway with a certificate for its backends.
func presenting(namespace, name string, secret types.NamespacedName) *gatewayv1.Gateway {
	gw := gateway(namespace, name, "fleetgate")
	gw.Spec.TLS = &gatewayv1.GatewayTLSConfig{Backend: &gatewayv1.GatewayBackendTLS{ClientCertificateRef: &gatewayv1.SecretObjectReference{
		Namespace: new(gatewayv1.Namespace(secret.Namespace)), Name: gatewayv1.ObjectName(secret.Name),
	}}}
	return gw
}

func secured() []client.Object {
	gw := key("a", "gw")
	objects := []client.Object{
		class("fleetgate", controllerName), presenting("a", "gw", key("vault", "client")),
		grpc("a", "calls", gw, "api", "missing", "copies"), route("a", "pages", gw, key("a", "web")),
		service("a", "api"), service("a", "copies"), service("a", "web"), service("a", "unused"),
		policy("a", "api", "api"), policy("a", "copies", "copies"), policy("a", "for-missing", "missing"), policy("a", "unused", "unused"),
		policy("b", "api", "api"), speaking(policy("a", "left", "unused"), gw, controllerName),
		speaking(policy("a", "theirs", "unused"), gw, "example.com/other"),
		&corev1.Secret{ObjectMeta: meta("vault", "client")},
	}
	for _, name := range []string{"api", "copies", "unused"} {
		objects = append(objects, &corev1.ConfigMap{ObjectMeta: meta("a", name)}, &corev1.Secret{ObjectMeta: meta("a", name)})
	}
	return objects
}

func TestCollectPoliciesOfServicesThatRoutesName(t *testing.T) {
	got, err := store.Collect(t.Context(), reader(t, secured()...), key("a", "gw"), controllerName)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what      string
		want, got []string
	}{
		{"GRPCRoutes", []string{"a/calls"}, names(got.GRPCRoutes)},
		{"Services", []string{"a/api", "a/copies", "a/web"}, names(got.Services)},
		{"policies", []string{"a/api", "a/copies", "a/for-missing"}, names(got.BackendTLSPolicies)},
		{"ConfigMaps", []string{"a/api", "a/copies"}, names(got.ConfigMaps)},
		{"Secrets", []string{"a/api", "a/copies", "vault/client"}, names(got.Secrets)},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: %s", tt.what, diff)
		}
	}
}

func TestGatewaysForWhatPoliciesNeed(t *testing.T) {
	caMetadata := &metav1.PartialObjectMetadata{ObjectMeta: meta("a", "copies")}
	caMetadata.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	tests := []struct {
		name string
		obj  client.Object
		want []string
	}{
		{"a GRPCRoute leads to its parents", grpc("a", "new", key("x", "gw")), []string{"x/gw"}},
		{"a Service leads by GRPCRoutes", service("a", "api"), []string{"a/gw"}},
		{"and by their mirrors", service("a", "copies"), []string{"a/gw"}},
		{"a policy leads by its Service", policy("a", "new", "web"), []string{"a/gw"}},
		{"and to those in its status", speaking(policy("a", "old", "unused"), key("x", "gw"), "any"), []string{"x/gw"}},
		{"one of traffic, too", trafficPolicy("a", "new", "web"), []string{"a/gw"}},
		{"one of a Service that nobody names leads nowhere", policy("a", "new", "unused"), nil},
		{"one of another namespace, too", policy("b", "api", "api"), nil},
		{"a ConfigMap leads by policies", &corev1.ConfigMap{ObjectMeta: meta("a", "api")}, []string{"a/gw"}},
		{"known by metadata alone, too", caMetadata, []string{"a/gw"}},
		{"a ConfigMap that nobody names leads nowhere", &corev1.ConfigMap{ObjectMeta: meta("b", "other")}, nil},
		{"a Secret leads by policies", &corev1.Secret{ObjectMeta: meta("a", "copies")}, []string{"a/gw"}},
		{"and to Gateways that present it", &corev1.Secret{ObjectMeta: meta("vault", "client")}, []string{"a/gw"}},
		{"a grant leads to them as well", &gatewayv1.ReferenceGrant{ObjectMeta: meta("vault", "x")}, []string{"a/gw"}},
	}
	r := reader(t, secured()...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkGatewaysFor(t, r, tt.obj, tt.want) })
	}
}

func TestPoliciesThatSpeakOfAGateway(t *testing.T) {
	policies, err := store.Policies(t.Context(), reader(t, secured()...), key("a", "gw"), controllerName)
	if err != nil {
		t.Fatal(err)
	}
	if len(policies) != 1 || policies[0].GetName() != "left" {
		t.Errorf("got %v, want the one that is left", policies)
	}
}
