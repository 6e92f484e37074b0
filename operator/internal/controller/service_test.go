package controller

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

func TestKeepOf(t *testing.T) {
	metal, cloud := "metal", "cloud"
	const balancer = corev1.ServiceTypeLoadBalancer
	tests := []struct {
		name               string
		live, wanted, want corev1.ServiceSpec
		told               string
	}{
		{"a class cannot be changed", corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &metal},
			corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &cloud}, corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &metal}, "loadBalancerClass"},
		{"nor set later", corev1.ServiceSpec{Type: balancer},
			corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &cloud}, corev1.ServiceSpec{Type: balancer}, "loadBalancerClass"},
		{"nor removed", corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &metal},
			corev1.ServiceSpec{Type: balancer}, corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &metal}, "loadBalancerClass"},
		{"but set with the type", corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP},
			corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &cloud}, corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &cloud}, ""},
		{"and removed with it", corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &metal},
			corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort}, corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort}, ""},
		{"the first family stays", corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv4"}},
			corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv6", "IPv4"}}, corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv4", "IPv6"}}, "ipFamilies"},
		{"alone too", corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv6", "IPv4"}},
			corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv4"}}, corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv6"}}, "ipFamilies"},
		{"the address stays", corev1.ServiceSpec{ClusterIP: "10.0.0.1"},
			corev1.ServiceSpec{ClusterIP: "10.0.0.2"}, corev1.ServiceSpec{ClusterIP: "10.0.0.1"}, ""},
		{"and is not asked for", corev1.ServiceSpec{ClusterIP: "10.0.0.1"}, corev1.ServiceSpec{}, corev1.ServiceSpec{}, ""},
	}
	for _, tt := range tests {
		var told string
		for _, kept := range keepOf(&tt.live, &tt.wanted) {
			told += kept.field
		}
		if told != tt.told {
			t.Errorf("%s: told of %q, want %q", tt.name, told, tt.told)
		}
		if diff := cmp.Diff(tt.want, tt.wanted); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// What cannot be is told where it was asked for, with its cure.
func TestAChangedLoadBalancerClassIsTold(t *testing.T) {
	asks := func(class *string) v1alpha1.GatewayParametersSpec {
		return v1alpha1.GatewayParametersSpec{Service: &v1alpha1.ServiceParameters{LoadBalancerClass: class}}
	}
	for _, of := range []string{"own", "class"} {
		t.Run(of, func(t *testing.T) {
			w := newWorld(t, withOwn(gateway("gw"), "own"), parametersObject("own", asks(nil)), parametersObject("class", asks(nil)))
			w.parameterize("fleetgate", "class")
			w.look("gw")
			live := get(w, of, &v1alpha1.GatewayParameters{})
			live.Spec = asks(new("metal"))
			w.must(w.client.Update(t.Context(), live))
			w.look("gw")
			if got := w.condition("gw", parametersAccepted); got != "False FieldsRefused" {
				t.Errorf("the Gateway says %q", got)
			}
			message := conditions.Find(get(w, "gw", &gatewayv1.Gateway{}).Status.Conditions, parametersAccepted).Message
			for _, want := range []string{"spec.service.loadBalancerClass of GatewayParameters tenant/" + of, "no load balancer class", `"metal"`, "delete the Service"} {
				if !strings.Contains(message, want) {
					t.Errorf("%q does not tell %q", message, want)
				}
			}
			w.must(w.client.Delete(t.Context(), get(w, fleet("gw").Name(), &corev1.Service{})))
			w.look("gw")
			if got := w.condition("gw", parametersAccepted); got != "True Accepted" {
				t.Errorf("with another Service the Gateway says %q", got)
			}
			if class := get(w, fleet("gw").Name(), &corev1.Service{}).Spec.LoadBalancerClass; class == nil || *class != "metal" {
				t.Errorf("the Service has class %v", class)
			}
		})
	}
}
