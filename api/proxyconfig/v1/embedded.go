package proxyconfig

import "net/netip"

// The prefixes of IPv6 addresses that have an IPv4 address in them: the well-known
// one of NAT64 (RFC 6052), that of its local use (RFC 8215), and that of 6to4
// (RFC 3056).
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
)

// EmbeddedAddresses returns what IPv4 addresses an IPv6 address may stand for to a
// translator or a tunnel. Of those of NAT64's local use only the network knows how
// long their prefix is, so that there is one for each place (RFC 6052, section 2.2):
// the ninth byte belongs to none.
func EmbeddedAddresses(addr netip.Addr) []netip.Addr {
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
