package controller

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
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
	w.lookTwice("gw")
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

// channel has the CRD of Gateways be of another channel, and of a version.
func (w *world) channel(name, version string) client.Object {
	w.t.Helper()
	crd := cluster.CRDMetadata()
	w.must(w.client.Get(w.t.Context(), types.NamespacedName{Name: gatewayCRD}, crd))
	crd.Annotations[consts.ChannelAnnotation] = name
	crd.Annotations[consts.BundleVersionAnnotation] = version
	w.must(w.client.Update(w.t.Context(), crd))
	return crd
}

// TestRoutabilityComesWithItsField moves a cluster from the standard channel to the
// experimental one, whose API server takes its time.
func TestRoutabilityComesWithItsField(t *testing.T) {
	gw := gateway("gw")
	gw.Spec.Addresses = []gatewayv1.GatewaySpecAddress{{Value: "10.96.0.42", Routability: gatewayv1.GatewayAddressRoutabilityCluster}}
	w := newWorld(t, gw)
	w.channel("standard", "v1.7.0")
	w.prunes = true
	w.look("gw")
	service := get(w, "gw-fleetgate", &corev1.Service{})
	service.Spec.ClusterIPs = []string{service.Spec.ClusterIP}
	w.must(w.client.Update(t.Context(), service))
	w.lookTwice("gw")
	told := func() bool {
		addresses := get(w, "gw", &gatewayv1.Gateway{}).Status.Addresses
		return len(addresses) == 1 && addresses[0].Routability != nil
	}
	w.now = w.now.Add(time.Hour)
	w.take()
	if result := w.look("gw"); told() || slices.Contains(w.take(), "status gw") || result.RequeueAfter == establishPause {
		t.Errorf("with the standard channel: told %t, %+v", told(), result)
	}
	keys := w.gateways.reshaped(t.Context(), w.channel("experimental", "v1.7.1"))
	if want := []types.NamespacedName{{Namespace: "tenant", Name: "gw"}}; !slices.Equal(keys, want) {
		t.Errorf("the CRD leads to %v", keys)
	}
	if result := w.lookTwice("gw"); told() || result.RequeueAfter != establishPause {
		t.Errorf("while the old fields are served: told %t, %+v", told(), result)
	}
	w.prunes = false
	if w.lookTwice("gw"); !told() {
		t.Error("with the experimental channel: not told")
	}
	w.take()
	if result := w.look("gw"); slices.Contains(w.take(), "status gw") || result.RequeueAfter == establishPause {
		t.Errorf("once it is told: %+v", result)
	}
}

func TestOldExperimentalCRDsAreNotWrittenAgain(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	for _, tt := range []struct{ channel, version, want string }{
		{"standard", "v1.7.0", "dropped"}, {"experimental", "v1.7.0", "kept"}, {"experimental", "v1.6.3", ""},
		{"experimental", "", ""}, {"", "v1.7.0", ""},
	} {
		w.channel(tt.channel, tt.version)
		if got, err := w.gateways.routability(t.Context()); string(got) != tt.want || err != nil {
			t.Errorf("%s %s: %q, %v", tt.channel, tt.version, got, err)
		}
	}
	if keys := w.gateways.reshaped(t.Context(), &gatewayv1.Gateway{}); keys != nil {
		t.Errorf("another CRD leads to %v", keys)
	}
}
