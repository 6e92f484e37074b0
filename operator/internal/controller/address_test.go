package controller

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// A Gateway of the cluster gets the address that it names, and keeps it when it
// names another one: a Service cannot change it, and must not be refused for that.
func TestAddressOfTheClusterIsKept(t *testing.T) {
	gw := gateway("gw")
	named := func(value string) []gatewayv1.GatewaySpecAddress {
		return []gatewayv1.GatewaySpecAddress{{Value: value, Routability: gatewayv1.GatewayAddressRoutabilityCluster}}
	}
	gw.Spec.Addresses = named("10.96.0.42")
	w := newWorld(t, gw)
	w.look("gw")
	service := get(w, "gw-fleetgate", &corev1.Service{})
	if service.Spec.Type != corev1.ServiceTypeClusterIP || service.Spec.ClusterIP != "10.96.0.42" {
		t.Fatalf("got a Service of type %s with %s", service.Spec.Type, service.Spec.ClusterIP)
	}
	// As an API server does.
	service.Spec.ClusterIPs = []string{service.Spec.ClusterIP}
	w.must(w.client.Update(t.Context(), service))
	w.look("gw")
	if got := w.condition("gw", "AddressesAssigned"); got != "True AddressesAssigned" {
		t.Errorf("AddressesAssigned is %s", got)
	}
	live := get(w, "gw", &gatewayv1.Gateway{})
	live.Spec.Addresses = named("10.96.0.43")
	live.Generation++
	w.must(w.client.Update(t.Context(), live))
	w.look("gw")
	if got := get(w, "gw-fleetgate", &corev1.Service{}).Spec.ClusterIP; got != "10.96.0.42" {
		t.Errorf("the Service has %s", got)
	}
	if got := w.condition("gw", "AddressesAssigned"); got != "False NotAssigned" {
		t.Errorf("AddressesAssigned is %s", got)
	}
}
