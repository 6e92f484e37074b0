package graph

import (
	"net/netip"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// An IPv4 address that is written as an IPv6 one is the same address everywhere.
func TestMappedAddressesAreThoseOfIPv4(t *testing.T) {
	source := &gatewayv1.Gateway{}
	source.Spec.Addresses = []gatewayv1.GatewaySpecAddress{
		{Value: "::ffff:192.0.2.10"}, {Value: "::ffff:10.0.0.1", Routability: gatewayv1.GatewayAddressRoutabilityCluster},
	}
	g := &Gateway{Source: source}
	g.checkAddresses()
	if want := netip.MustParseAddr("192.0.2.10"); len(g.Addresses) != 1 || g.Addresses[0] != want || g.Requests[0].Value != want {
		t.Errorf("got %v and %v, want %v", g.Addresses, g.Requests, want)
	}
	if want := netip.MustParseAddr("10.0.0.1"); g.ClusterIP != want {
		t.Errorf("got %v, want %v", g.ClusterIP, want)
	}
}
