package balance

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// Permit refuses the addresses that lead to the proxy itself, to its node's
// metadata service, or nowhere. An EndpointSlice is written by a tenant, so it
// must not reach what only the pod may. An IPv6 address that a translator or a
// tunnel takes for an IPv4 address is refused where that one is.
func (r *Registry) Permit(addr netip.Addr) error {
	addr = addr.Unmap()
	if addr.IsUnspecified() || addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return fmt.Errorf("endpoint %s is not the address of one host", addr)
	}
	for _, meant := range append(embedded(addr), addr) {
		if err := r.permitHost(meant); err != nil {
			return fmt.Errorf("endpoint %s %w", addr, err)
		}
	}
	return nil
}

func (r *Registry) permitHost(addr netip.Addr) error {
	switch {
	case addr.IsLoopback() && !r.options.AllowLoopback:
		return errLoopback
	case addr.IsLinkLocalUnicast():
		return errLinkLocal
	case proxyconfig.IsMetadataService(addr):
		return errMetadata
	}
	return nil
}

var (
	errLoopback  = errors.New("is a loopback address")
	errLinkLocal = errors.New("is a link-local address")
	errMetadata  = errors.New("is that of a metadata service")
)

// The prefixes of IPv6 addresses that have an IPv4 address in them: the well-known
// one of NAT64 (RFC 6052), that of its local use (RFC 8215), and that of 6to4
// (RFC 3056).
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
)

// embedded returns what IPv4 addresses an address may stand for. Of those of
// NAT64's local use only the network knows how long their prefix is, so that there
// is one for each place (RFC 6052, section 2.2): the ninth byte belongs to none.
func embedded(addr netip.Addr) []netip.Addr {
	if !addr.Is6() {
		return nil
	}
	addr = addr.WithZone("")
	b := addr.As16()
	switch {
	case nat64.Contains(addr):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[12:]))}
	case nat64Local.Contains(addr):
		return []netip.Addr{
			netip.AddrFrom4([4]byte(b[12:])),
			netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]}),
			netip.AddrFrom4([4]byte{b[7], b[9], b[10], b[11]}),
			netip.AddrFrom4([4]byte(b[9:])),
		}
	case sixToFour.Contains(addr):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[2:]))}
	}
	return nil
}
