package proxyconfig

import (
	"fmt"
	"net/netip"
)

// The protocols of listeners that do not speak HTTP with their clients. A port
// may have HTTPS and TLS listeners beside each other, told apart by the server
// name of the client's hello, and a UDP listener beside those of any other
// protocol.
const (
	TLS Protocol = "TLS"
	TCP Protocol = "TCP"
	UDP Protocol = "UDP"
)

// TLSMode says what a listener of protocol TLS does with a client's TLS.
type TLSMode string

// The modes of TLS listeners. With TLSTerminate the backend gets what was in
// the TLS session, with TLSPassthrough the session itself.
const (
	TLSTerminate   TLSMode = "Terminate"
	TLSPassthrough TLSMode = "Passthrough"
)

// The kinds of routes. TLSRoute attaches to listeners of protocol TLS, TCPRoute
// to those of TCP and to TLS listeners that terminate, UDPRoute to those of
// UDP; routes of any other kind to those of HTTP and HTTPS.
//
// The rules of these three have weighted backends and nothing else. The first
// rule of a route is the one that serves. Among routes that claim the same
// hostname of a listener the oldest one wins, as with equal matches of an
// HTTPRoute.
const (
	TLSRoute = "TLSRoute"
	TCPRoute = "TCPRoute"
	UDPRoute = "UDPRoute"
)

// AcceptedProxyProtocol makes a listener expect a PROXY protocol header, of
// version 1 or 2, at the start of each connection from a trusted source. A
// trusted source that sends none is disconnected. What comes from anywhere else
// is taken as it is: its header is data like any other, and nobody believes it.
type AcceptedProxyProtocol struct {
	// TrustedSources are the prefixes, such as "10.0.0.0/8", of the load
	// balancers in front. There is at least one.
	TrustedSources []string `json:"trustedSources"`
}

// Prefixes returns the trusted sources parsed.
func (a *AcceptedProxyProtocol) Prefixes() ([]netip.Prefix, error) {
	if len(a.TrustedSources) == 0 {
		return nil, fmt.Errorf("the PROXY protocol has no trusted source")
	}
	var out []netip.Prefix
	for _, s := range a.TrustedSources {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("trusted source: %w", err)
		}
		if p != p.Masked() || p.Addr().Is4In6() {
			return nil, fmt.Errorf("trusted source %q is not a prefix in its canonical form", s)
		}
		out = append(out, p)
	}
	return out, nil
}

// SessionLimits bound what a listener that does not speak HTTP has open: its
// connections, or for UDP the sessions of its clients. Zero means the proxy's
// default. A change is for sessions to come; what is open keeps to the idle time
// that it began with, except for UDP.
type SessionLimits struct {
	// IdleMillis is how long one may be silent in both directions: an hour by
	// default, for UDP 60 s.
	IdleMillis int64 `json:"idleMillis,omitempty"`
	// Max is how many may be open at one time in one proxy, 10,000 by default.
	// Connections beyond it are reset, datagrams of further clients dropped.
	Max int32 `json:"max,omitempty"`
}

// ProxyVersion is a version of the PROXY protocol.
type ProxyVersion string

// The versions of the PROXY protocol.
const (
	ProxyV1 ProxyVersion = "v1"
	ProxyV2 ProxyVersion = "v2"
)

// IsL4 says whether the route's rules are about connections or datagrams, and
// not about requests.
func (r *Route) IsL4() bool {
	return r.Kind == TLSRoute || r.Kind == TCPRoute || r.Kind == UDPRoute
}

// Takes says whether routes of a kind attach to the listener.
func (l *Listener) Takes(kind string) bool {
	switch kind {
	case TLSRoute:
		return l.Protocol == TLS
	case TCPRoute:
		return l.Protocol == TCP || l.Protocol == TLS && l.TLSMode == TLSTerminate
	case UDPRoute:
		return l.Protocol == UDP
	}
	return l.Protocol == HTTP || l.Protocol == HTTPS
}

// Serves says whether a rule of a route of a kind may name the backend.
func (b *Backend) Serves(kind string) bool {
	switch kind {
	case UDPRoute:
		return b.Protocol == BackendUDP
	case TLSRoute, TCPRoute:
		return b.Protocol != BackendUDP
	}
	return b.Protocol != BackendTCP && b.Protocol != BackendUDP
}
