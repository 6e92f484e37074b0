package resolve

import (
	"context"
	"net"
	"net/netip"
	"strings"
)

// system is Go's own resolver, whatever the platform's: it follows ctx, and needs
// no library of the image.
var system = &net.Resolver{PreferGo: true}

// lookup asks for an absolute name: the search list of a pod would have
// "api.example.com" looked for in the namespace first, where whoever may create
// Services could answer it.
func lookup(ctx context.Context, hostname string) ([]netip.Addr, error) {
	if isLocal(hostname) {
		return reachable([]netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}), nil
	}
	found, err := system.LookupNetIP(ctx, "ip", hostname+".")
	if err != nil {
		return nil, err
	}
	return reachable(found), nil
}

// isLocal says whether a name stands for this machine, for which no server is to be
// asked (RFC 6761, section 6.3).
func isLocal(hostname string) bool {
	return hostname == "localhost" || strings.HasSuffix(hostname, ".localhost")
}

// reachable leaves out the addresses that the pod has no route to, such as those of
// IPv6 in a cluster without. Where none is left there may be another reason, and
// all of them stay.
func reachable(addresses []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, addr := range addresses {
		// Connecting a UDP socket asks for a route and sends nothing.
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 9)))
		if err == nil {
			conn.Close()
			out = append(out, addr)
		}
	}
	if len(out) == 0 {
		return addresses
	}
	return out
}
