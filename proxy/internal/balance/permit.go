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
	for _, meant := range append(proxyconfig.EmbeddedAddresses(addr), addr) {
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
