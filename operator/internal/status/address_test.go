package status

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

func TestAddressesAreAssigned(t *testing.T) {
	const cluster, sentinel = gatewayv1.GatewayAddressRoutabilityCluster, graph.RoutabilitySentinel
	request := func(value string, from gatewayv1.GatewayAddressRoutabilityType) graph.AddressRequest {
		r := graph.AddressRequest{Field: "f", Routability: from}
		if value != "" {
			r.Value = netip.MustParseAddr(value)
		}
		return r
	}
	observed := Observed{
		Addresses: []gatewayv1.GatewayStatusAddress{
			address(gatewayv1.HostnameAddressType, "lb.example.com", ""), address(gatewayv1.IPAddressType, "192.0.2.1", ""), address(gatewayv1.IPAddressType, "192.0.2.2", ""),
		},
		ClusterAddresses: []gatewayv1.GatewayStatusAddress{address(gatewayv1.IPAddressType, "10.0.0.1", cluster), address(gatewayv1.IPAddressType, "fd00::1", cluster)},
	}
	for _, tt := range []struct {
		name     string
		requests []graph.AddressRequest
		want     []string
		unmet    int
	}{
		{"none has all", nil, []string{"lb.example.com ", "192.0.2.1 ", "192.0.2.2 "}, 0},
		{"any has one", []graph.AddressRequest{request("", "")}, []string{"192.0.2.1 "}, 0},
		{"a named one is kept for who names it", []graph.AddressRequest{request("", ""), request("192.0.2.1", "")}, []string{"192.0.2.2 ", "192.0.2.1 "}, 0},
		{"no more than there are", []graph.AddressRequest{request("", ""), request("", ""), request("", "")}, []string{"192.0.2.1 ", "192.0.2.2 "}, 1},
		{"of the cluster", []graph.AddressRequest{request("", cluster), request("fd00::1", cluster)}, []string{"10.0.0.1 Cluster", "fd00::1 Cluster"}, 0},
		{"a load balancer's is not of the cluster", []graph.AddressRequest{request("192.0.2.1", cluster)}, nil, 1},
		{"nor the other way round", []graph.AddressRequest{request("10.0.0.1", "")}, nil, 1},
		{"the sentinel is reported", []graph.AddressRequest{request("", sentinel)}, []string{"192.0.2.1 " + string(sentinel)}, 0},
		{"an unknown scope is not met", []graph.AddressRequest{request("", "example.com/x"), request("", "")}, []string{"192.0.2.1 "}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := assign(tt.requests, &observed)
			var texts []string
			for _, a := range got.addresses {
				texts = append(texts, fmt.Sprintf("%s %s", a.Value, *a.Routability))
			}
			if !slices.Equal(texts, tt.want) || len(got.unmet) != tt.unmet {
				t.Errorf("got %q and %d unmet, want %q and %d", texts, len(got.unmet), tt.want, tt.unmet)
			}
		})
	}
	if *observed.Addresses[1].Routability != "" {
		t.Error("what was observed is changed")
	}
}

// Where the CRDs do not have the routability, the status does not change for ever.
func TestRoutabilityThatIsNotKept(t *testing.T) {
	want := []gatewayv1.GatewayStatusAddress{address(gatewayv1.IPAddressType, "192.0.2.1", "")}
	first := addressesAfter(gatewayv1.GatewayStatus{}, &Gateway{Addresses: want})
	if first[0].Routability == nil {
		t.Error("it is not written at all")
	}
	live := gatewayv1.GatewayStatus{Addresses: []gatewayv1.GatewayStatusAddress{{Type: want[0].Type, Value: want[0].Value}}}
	live.Conditions = append(live.Conditions, condition(gatewayv1.GatewayConditionAddressesAssigned, "True", gatewayv1.GatewayReasonAddressesAssigned, "", 1))
	if again := addressesAfter(live, &Gateway{Addresses: want}); again[0].Routability != nil {
		t.Error("it is written again")
	}
	if want[0].Routability == nil {
		t.Error("what is wanted is changed")
	}
}
