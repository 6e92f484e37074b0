package status

import (
	"net/netip"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// assignment says which of the addresses that the Gateway asks for it has got
// (GEP-5093).
type assignment struct {
	// addresses are those of the Gateway: one for each request that is met, or all
	// that there are where nothing is asked for.
	addresses []gatewayv1.GatewayStatusAddress
	// unmet are the requests that are not met.
	unmet []graph.AddressRequest
}

// assign meets the requests from what the fleet's Service has. Those that name
// their address come first, and those that take any of the cluster before those
// that take any at all: no address is counted twice.
func assign(requests []graph.AddressRequest, observed *Observed) assignment {
	if len(requests) == 0 {
		return assignment{addresses: observed.Addresses}
	}
	used := make(map[string]bool)
	met := make([]*gatewayv1.GatewayStatusAddress, len(requests))
	for pass := range passes {
		for i, request := range requests {
			if passOf(request) == pass {
				met[i] = meet(request, observed, used)
			}
		}
	}
	var out assignment
	for i, request := range requests {
		if met[i] == nil {
			out.unmet = append(out.unmet, request)
			continue
		}
		out.addresses = append(out.addresses, *met[i])
	}
	return out
}

const passes = 4

func passOf(r graph.AddressRequest) int {
	pass := 0
	if !r.Value.IsValid() {
		pass = 2
	}
	if r.Routability != gatewayv1.GatewayAddressRoutabilityCluster {
		pass++
	}
	return pass
}

// meet returns the first address that meets the request, or nil.
func meet(r graph.AddressRequest, observed *Observed, used map[string]bool) *gatewayv1.GatewayStatusAddress {
	var pool []gatewayv1.GatewayStatusAddress
	switch r.Routability {
	case gatewayv1.GatewayAddressRoutabilityDefault, graph.RoutabilitySentinel:
		pool = observed.Addresses
	case gatewayv1.GatewayAddressRoutabilityCluster:
		pool = observed.ClusterAddresses
	}
	for _, address := range pool {
		ip, err := netip.ParseAddr(address.Value)
		if err != nil || used[address.Value] || r.Value.IsValid() && ip.Unmap() != r.Value.Unmap() {
			continue
		}
		used[address.Value] = true
		if r.Routability == graph.RoutabilitySentinel {
			address.Routability = new(graph.RoutabilitySentinel)
		}
		return &address
	}
	return nil
}

// addressesAssigned is there for Gateways whose addresses somebody looks after.
func (b *builder) addressesAssigned() metav1.Condition {
	const typ = gatewayv1.GatewayConditionAddressesAssigned
	got := assign(b.gateway.Requests, &b.observed)
	switch {
	case len(got.addresses) == 0 && len(got.unmet) == 0:
		return b.gatewayCondition(typ, metav1.ConditionFalse, gatewayv1.GatewayReasonAddressesNotAssigned, "The Service has no address yet")
	case len(got.unmet) == 0:
		return b.gatewayCondition(typ, metav1.ConditionTrue, gatewayv1.GatewayReasonAddressesAssigned, "All addresses are assigned")
	case len(got.addresses) == 0:
		return b.gatewayCondition(typ, metav1.ConditionFalse, gatewayv1.GatewayReasonAddressesNotAssigned, "Not assigned: "+got.missing())
	}
	return b.gatewayCondition(typ, metav1.ConditionFalse, gatewayv1.GatewayReasonAddressesPartiallyAssigned, "Not assigned: "+got.missing())
}

// missing names the requests that are not met.
func (a assignment) missing() string {
	var list []string
	for _, request := range a.unmet {
		text := request.Field
		if request.Value.IsValid() {
			text += " " + request.Value.String()
		}
		if request.Routability != "" {
			text += " (" + string(request.Routability) + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}
