package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

func parameters(namespace, name string) *v1alpha1.GatewayParameters {
	return &v1alpha1.GatewayParameters{ObjectMeta: meta(namespace, name)}
}

// parameterized is a class with parameters.
func parameterized(name, controller string, of types.NamespacedName) *gatewayv1.GatewayClass {
	c := class(name, controller)
	c.Spec.ParametersRef = &gatewayv1.ParametersReference{
		Group: "fleetgate.io", Kind: "GatewayParameters", Namespace: new(gatewayv1.Namespace(of.Namespace)), Name: of.Name,
	}
	return c
}

func withOwn(gw *gatewayv1.Gateway, name string) *gatewayv1.Gateway {
	gw.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{ParametersRef: &gatewayv1.LocalParametersReference{
		Group: "fleetgate.io", Kind: "GatewayParameters", Name: name,
	}}
	return gw
}

func TestCollectFindsParameters(t *testing.T) {
	r := reader(t,
		parameterized("fleetgate", controllerName, key("ops", "class")),
		withOwn(gateway("a", "gw", "fleetgate"), "own"), withOwn(gateway("a", "lost", "fleetgate"), "none"), gateway("a", "plain", "fleetgate"),
		parameters("ops", "class"), parameters("a", "own"), parameters("ops", "own"), parameters("ops", "none"),
	)
	for _, test := range []struct{ gateway, own string }{{"gw", "a/own"}, {"lost", ""}, {"plain", ""}} {
		got, err := store.Collect(t.Context(), r, key("a", test.gateway), controllerName)
		if err != nil {
			t.Fatal(err)
		}
		own := ""
		if got.OwnParameters != nil {
			own = client.ObjectKeyFromObject(got.OwnParameters).String()
		}
		if got.ClassParameters == nil || got.ClassParameters.Namespace != "ops" || own != test.own {
			t.Errorf("%s: the class's are %v, its own %q, want %q", test.gateway, got.ClassParameters, own, test.own)
		}
	}
}

// A change of parameters touches those that use them, and no others.
func TestParametersLeadToTheirGateways(t *testing.T) {
	elsewhere := parameterized("third", controllerName, key("ops", "class"))
	elsewhere.Spec.ParametersRef.Group = "example.com"
	r := reader(t,
		parameterized("first", controllerName, key("ops", "class")), parameterized("second", controllerName, key("ops", "class")),
		elsewhere, class("bare", controllerName),
		gateway("a", "one", "first"), withOwn(gateway("a", "two", "second"), "own"), withOwn(gateway("b", "three", "bare"), "own"),
		gateway("a", "four", "third"), gateway("a", "five", "bare"),
	)
	for _, test := range []struct {
		namespace, name string
		want            []types.NamespacedName
	}{
		{"ops", "class", []types.NamespacedName{key("a", "one"), key("a", "two")}},
		{"a", "own", []types.NamespacedName{key("a", "two")}},
		{"b", "own", []types.NamespacedName{key("b", "three")}},
		{"b", "class", nil},
	} {
		got, err := store.GatewaysFor(t.Context(), r, parameters(test.namespace, test.name))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			got = nil
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s/%s (-want +got):\n%s", test.namespace, test.name, diff)
		}
	}
}

func TestReferencesToParameters(t *testing.T) {
	noNamespace := parameterized("c", controllerName, key("ops", "class"))
	noNamespace.Spec.ParametersRef.Namespace = nil
	for name, c := range map[string]*gatewayv1.GatewayClass{"none": class("c", controllerName), "without a namespace": noNamespace} {
		if got, named := store.ClassParameters(c); named {
			t.Errorf("%s: got %s", name, got)
		}
	}
	other := withOwn(gateway("a", "gw", "c"), "own")
	other.Spec.Infrastructure.ParametersRef.Kind = "ConfigMap"
	if got, named := store.OwnParameters(other); named {
		t.Errorf("another kind: got %s", got)
	}
}
