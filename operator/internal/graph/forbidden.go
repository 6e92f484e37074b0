package graph

import (
	"net/netip"
	"strings"

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
}

// Why says what is wrong with the address, or nothing if it may be used.
func (f *ForbiddenBackends) Why(address netip.AddrPort) string {
	ip := address.Addr()
	switch {
	case ip.IsLoopback() && !f.AllowLoopback:
		return "it is a loopback address"
	case ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast():
		return "it is a link-local address"
	case proxyconfig.IsMetadataService(ip):
		return "it is that of a metadata service"
	case ip.IsMulticast() || ip.IsUnspecified():
		return "it is not the address of one host"
	}
	if what, listed := f.Listed[address]; listed {
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
