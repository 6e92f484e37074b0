package graph

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// ForbiddenBackends are the addresses that no route may lead to. Whoever can
// write an EndpointSlice could otherwise reach the proxy's own admin port, the
// node's metadata service or the API server with the proxy's place in the
// network. The proxy checks the same again when it dials.
type ForbiddenBackends struct {
	// AllowLoopback lets routes lead to this very machine, which is what one
	// wants when the fleet runs there as a child process.
	AllowLoopback bool
	// Listed are further addresses, such as those of the API server, with what
	// they are.
	Listed map[netip.AddrPort]string
	// Nodes are addresses of nodes, on which the ports of Kubernetes' own processes
	// are forbidden.
	Nodes []netip.Addr
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// nodePorts are those of Kubernetes' own processes on a node, with what they are.
var nodePorts = map[uint16]string{
	2379:  "etcd's",
	2380:  "etcd's",
	10249: "kube-proxy's",
	10250: "the kubelet's",
	10255: "the kubelet's",
	10256: "kube-proxy's",
	10257: "the controller manager's",
	10259: "the scheduler's",
}

// with adds what the API servers tell of themselves, in the EndpointSlice of the
// Service kubernetes. Where they run there may be nodes. Nil adds nothing.
func (f ForbiddenBackends) with(apiServers *discoveryv1.EndpointSlice) ForbiddenBackends {
	if apiServers == nil {
		return f
	}
	listed := make(map[netip.AddrPort]string, len(f.Listed))
	maps.Copy(listed, f.Listed)
	f.Listed, f.Nodes = listed, slices.Clone(f.Nodes)
	for _, endpoint := range apiServers.Endpoints {
		for _, text := range endpoint.Addresses {
			address, err := netip.ParseAddr(text)
			if err != nil {
				continue
			}
			f.Nodes = append(f.Nodes, address.Unmap())
			for _, port := range apiServers.Ports {
				listed[netip.AddrPortFrom(address.Unmap(), uint16(value(port.Port, 0)))] = "the API server's"
			}
		}
	}
	return f
}

// Why says what is wrong with the address, or nothing if it may be used. An IPv6
// address that a translator or a tunnel takes for an IPv4 address is forbidden where
// that one is.
func (f *ForbiddenBackends) Why(address netip.AddrPort) string {
	ip := address.Addr().Unmap()
	if ip.IsMulticast() || ip.IsUnspecified() || ip == broadcast {
		return "it is not the address of one host"
	}
	if why := f.whyAt(ip, address.Port()); why != "" {
		return why
	}
	for _, meant := range proxyconfig.EmbeddedAddresses(ip) {
		if why := f.whyAt(meant, address.Port()); why != "" {
			return "it stands for " + meant.String() + ", and " + why
		}
	}
	return ""
}

func (f *ForbiddenBackends) whyAt(ip netip.Addr, port uint16) string {
	switch {
	case ip.IsLoopback() && !f.AllowLoopback:
		return "it is a loopback address"
	case ip.IsLinkLocalUnicast():
		return "it is a link-local address"
	case proxyconfig.IsMetadataService(ip):
		return "it is that of a metadata service"
	}
	if what, listed := f.Listed[netip.AddrPortFrom(ip, port)]; listed {
		return "it is " + what
	}
	if what, taken := nodePorts[port]; taken && slices.Contains(f.Nodes, ip) {
		return "it is " + what
	}
	return ""
}

// split returns the endpoints that may be used, and what is wrong with the
// others.
func (f *ForbiddenBackends) split(all []Endpoint) (allowed []Endpoint, why string) {
	var reasons []string
	for _, endpoint := range all {
		if reason := f.Why(endpoint.Address); reason != "" {
			reasons = append(reasons, endpoint.Address.String()+" ("+reason+")")
			continue
		}
		allowed = append(allowed, endpoint)
	}
	return allowed, strings.Join(reasons, ", ")
}
