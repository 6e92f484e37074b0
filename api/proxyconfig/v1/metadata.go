package proxyconfig

import (
	"net/netip"
	"slices"
)

// metadata are the addresses of clouds' metadata services that are not link-local.
var metadata = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd20:ce::254")}

// IsMetadataService reports whether an address that is not link-local is known as
// that of a cloud's metadata service, which no backend may have: it tells whoever
// reaches it the node's credentials.
func IsMetadataService(addr netip.Addr) bool { return slices.Contains(metadata, addr) }
