package graph

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// Endpoint is one address of a backend.
type Endpoint struct {
	Address netip.AddrPort
	Zone    string
	// Terminating endpoints still serve, but get new requests only when there
	// is no other (KEP-1669).
	Terminating bool
}

// collectEndpoints reads the slices of one Service. The port is found by name:
// slices carry the number that the name resolves to on their own pods, which
// differs between pods when the Service's targetPort is a name.
func collectEndpoints(sources []*discoveryv1.EndpointSlice, portName string, protocol corev1.Protocol) []Endpoint {
	var all []Endpoint
	for _, source := range sources {
		if source.AddressType == discoveryv1.AddressTypeFQDN {
			continue
		}
		port, ok := slicePort(source, portName, protocol)
		if !ok {
			continue
		}
		for i := range source.Endpoints {
			all = appendEndpoint(all, &source.Endpoints[i], port)
		}
	}
	return unique(all)
}

func slicePort(source *discoveryv1.EndpointSlice, name string, protocol corev1.Protocol) (uint16, bool) {
	for _, port := range source.Ports {
		if value(port.Name, "") != name || value(port.Protocol, corev1.ProtocolTCP) != protocol {
			continue
		}
		if number := value(port.Port, 0); number > 0 && number <= 65535 {
			return uint16(number), true
		}
	}
	return 0, false
}

func appendEndpoint(all []Endpoint, source *discoveryv1.Endpoint, port uint16) []Endpoint {
	// Absent conditions mean that the endpoint is fit (EndpointConditions).
	ready := value(source.Conditions.Ready, true)
	serving := value(source.Conditions.Serving, ready)
	terminating := value(source.Conditions.Terminating, false)
	if !ready && (!serving || !terminating) {
		return all
	}
	for _, text := range source.Addresses {
		address, err := netip.ParseAddr(text)
		if err != nil {
			continue
		}
		all = append(all, Endpoint{
			Address:     netip.AddrPortFrom(address.Unmap().WithZone(""), port),
			Zone:        value(source.Zone, ""),
			Terminating: !ready,
		})
	}
	return all
}

// unique sorts the endpoints and keeps one of each address. While an endpoint
// moves from one slice to another it is in both; ready wins.
func unique(all []Endpoint) []Endpoint {
	slices.SortFunc(all, func(a, b Endpoint) int {
		return cmp.Or(
			a.Address.Compare(b.Address),
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(b.Zone, a.Zone),
		)
	})
	return slices.CompactFunc(all, func(a, b Endpoint) bool { return a.Address == b.Address })
}

func rank(e Endpoint) int {
	if e.Terminating {
		return 1
	}
	return 0
}
