package proxyconfig

import (
	"fmt"
	"net/netip"
	"strings"
)

// BackendKindXBackend is the Kind of a backend that an XBackend describes.
const BackendKindXBackend = "XBackend"

// External is a backend outside of the cluster (GEP-4894, ExternalHostname). The
// proxy resolves its name, again and again; that a name has no address is no
// fault of the configuration, but is answered 503 while it lasts. The addresses
// are IPv4 and IPv6, all with the backend's Port, and are held to the same rules
// as those of endpoints.
type External struct {
	// Hostname is a precise one, lower case, and absolute without a dot at its end:
	// no search list applies.
	Hostname string `json:"hostname"`
	// Forbidden are addresses with ports, such as that of the API server, which the
	// name must not lead to.
	Forbidden []string `json:"forbidden,omitempty"`
}

// ForbiddenAddresses are those of Forbidden, without an IPv4-in-IPv6 form.
func (e *External) ForbiddenAddresses() ([]netip.AddrPort, error) {
	out := make([]netip.AddrPort, 0, len(e.Forbidden))
	for _, text := range e.Forbidden {
		address, err := netip.ParseAddrPort(text)
		if err != nil {
			return nil, fmt.Errorf("forbidden address %q: %w", text, err)
		}
		out = append(out, netip.AddrPortFrom(address.Addr().Unmap(), address.Port()))
	}
	return out, nil
}

func validateExternal(b *Backend) error {
	e := b.External
	switch {
	case e == nil:
		return nil
	case len(b.Endpoints) > 0:
		return fmt.Errorf("a backend with a hostname has no endpoints")
	case b.Protocol == BackendUDP:
		return fmt.Errorf("a backend of protocol %q has no hostname", BackendUDP)
	case e.Hostname == "" || strings.HasPrefix(e.Hostname, "*"):
		return fmt.Errorf("hostname %q is not a precise one", e.Hostname)
	}
	if _, err := netip.ParseAddr(e.Hostname); err == nil {
		return fmt.Errorf("hostname %q is an address", e.Hostname)
	}
	if err := validateHostname(e.Hostname); err != nil {
		return err
	}
	_, err := e.ForbiddenAddresses()
	return err
}
