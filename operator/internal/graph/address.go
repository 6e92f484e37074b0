package graph

import (
	"net/netip"
	"slices"
	"strconv"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// RoutabilitySentinel is a routability that promises nothing and is reported as it
// was asked for (GEP-5093).
const RoutabilitySentinel gatewayv1.GatewayAddressRoutabilityType = "testing.x-k8s.io/sentinel"

// AddressRequest is one IP address that the Gateway asks for.
type AddressRequest struct {
	// Field is that of the spec.
	Field string
	// Value is not valid where any address will do.
	Value       netip.Addr
	Routability gatewayv1.GatewayAddressRoutabilityType
}

// InCluster says whether the Gateway asks for addresses, and for none that a load
// balancer may give: those of the cluster, or of a scope that nobody knows, in place
// of which it must not get another (GEP-5093).
func (g *Gateway) InCluster() bool {
	return len(g.Requests) > 0 && !slices.ContainsFunc(g.Requests, func(r AddressRequest) bool {
		return r.Routability == gatewayv1.GatewayAddressRoutabilityDefault || r.Routability == RoutabilitySentinel
	})
}

// checkAddresses reads the addresses that the Gateway asks for. One whose
// routability is not known is asked for in vain, which is for the status to tell.
func (g *Gateway) checkAddresses() {
	for i, address := range g.Source.Spec.Addresses {
		field := "spec.addresses[" + strconv.Itoa(i) + "]"
		if typ := value(address.Type, gatewayv1.IPAddressType); typ != gatewayv1.IPAddressType {
			g.refuse(gatewayv1.GatewayReasonUnsupportedAddress,
				"%s.type is %q; only IPAddress is supported", field, typ)
			continue
		}
		request := AddressRequest{Field: field, Routability: address.Routability}
		if address.Value != "" {
			ip, err := netip.ParseAddr(address.Value)
			if err != nil {
				g.refuse(gatewayv1.GatewayReasonUnsupportedAddress, "%s.value %q is not an IP address", field, address.Value)
				continue
			}
			request.Value = ip.Unmap() // As the cluster writes it.
		}
		g.request(request)
	}
}

func (g *Gateway) request(r AddressRequest) {
	g.Requests = append(g.Requests, r)
	switch {
	case !r.Value.IsValid():
	case r.Routability == gatewayv1.GatewayAddressRoutabilityCluster:
		if !g.ClusterIP.IsValid() {
			g.ClusterIP = r.Value
		}
	case r.Routability == gatewayv1.GatewayAddressRoutabilityDefault, r.Routability == RoutabilitySentinel:
		g.Addresses = append(g.Addresses, r.Value)
	}
}
