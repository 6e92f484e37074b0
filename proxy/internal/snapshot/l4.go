package snapshot

import (
	"net/netip"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

// Speech is what the clients of a port speak.
type Speech uint8

// What ports speak. A port of Mixed has TLS listeners, and perhaps HTTPS ones
// beside them: which one a client means is known by its hello.
const (
	PlainHTTP Speech = iota
	HTTPS
	Mixed
	TCP
)

// TLSListener is a listener of a Mixed port.
type TLSListener struct {
	Listener *Listener
	// Handling says what is done with a client's TLS.
	Handling TLSHandling
	// routes is nil where requests are routed.
	routes *router.Table[*Rule]
}

// TLSHandling is what a Mixed port does with a client's TLS.
type TLSHandling uint8

// Passthrough forwards a TLS session, Terminate what is in it. ServeHTTPS ends
// it as the Port's TLS says, and serves the requests in it.
const (
	Passthrough TLSHandling = iota
	Terminate
	ServeHTTPS
)

// Route returns the rule for a server name, or nil where no route has it.
func (l *TLSListener) Route(serverName []byte) *Rule {
	if l.routes == nil {
		return nil
	}
	return serving(l.routes, serverName)
}

// TLSListener returns the listener of a Mixed port for a server name, which is
// empty for a client that named none; nil where no listener has it.
func (p *Port) TLSListener(serverName []byte) *TLSListener {
	l, _ := p.tlsListeners.Find(serverName)
	return l
}

// Trusts says whether a connection from an address begins with a PROXY protocol
// header that is to be believed. The address has no IPv4-in-IPv6 form.
func (p *Port) Trusts(source netip.Addr) bool {
	for _, prefix := range p.TrustedSources {
		if prefix.Contains(source) {
			return true
		}
	}
	return false
}

// UDPPort is the socket of a UDP listener.
type UDPPort struct {
	Number   uint16
	Listener *Listener
	// Rule is nil where no route is attached.
	Rule *Rule
}

// Port returns what a port speaks and serves, or nil where there is none.
func (s *Snapshot) Port(number uint16) *Port {
	for _, p := range s.Ports {
		if p.Number == number {
			return p
		}
	}
	return nil
}

// UDPPort returns the UDP listener of a port, or nil.
func (s *Snapshot) UDPPort(number uint16) *UDPPort {
	for _, p := range s.UDPPorts {
		if p.Number == number {
			return p
		}
	}
	return nil
}

// SentProxy returns the version of the PROXY protocol header that connections
// to a backend begin with, or "" for none.
func (s *Snapshot) SentProxy(c *balance.Cluster) proxyconfig.ProxyVersion {
	if _, transport := s.backends.reach(c.ID); transport != nil {
		return transport.SentProxy
	}
	return ""
}

func newListener(l *proxyconfig.Listener) *Listener {
	out := &Listener{Name: l.Name, Port: uint16(l.Port)}
	if l.Sessions != nil {
		out.Idle, out.MaxSessions = timeout(l.Sessions.IdleMillis), int(l.Sessions.Max)
	}
	return out
}

// serving returns the rule of the first route that has a server name, or nil.
func serving(routes *router.Table[*Rule], serverName []byte) *Rule {
	var m router.Match
	return routes.Find(&router.Request{Host: serverName, Path: []byte("/")}, &m)
}

// buildUDP makes the port of a UDP listener.
func (c *compiler) buildUDP(l *boundListener) *UDPPort {
	return &UDPPort{Number: l.label.Port, Listener: l.label, Rule: serving(c.out.routes.at[l.label], nil)}
}

// buildL4 adds to a port what its listeners are below HTTP.
func (c *compiler) buildL4(p *Port, listeners []*boundListener) {
	first := listeners[0].source
	if first.ProxyProtocol != nil {
		// Validation has refused what does not parse, and listeners that differ.
		p.TrustedSources, _ = first.ProxyProtocol.Prefixes()
	}
	switch first.Protocol {
	case proxyconfig.HTTP:
		p.Speech = PlainHTTP
	case proxyconfig.TCP:
		p.Speech = TCP
		p.TCPRule = serving(c.out.routes.at[listeners[0].label], nil)
		p.TCPListener = listeners[0].label
	default:
		c.buildTLS(p, listeners)
	}
}

func (c *compiler) buildTLS(p *Port, listeners []*boundListener) {
	p.Speech = HTTPS
	var terminating []*listenerTLS
	hosts := p.tlsListeners.Edit()
	for _, l := range listeners {
		t := &TLSListener{Listener: l.label, Handling: ServeHTTPS}
		if l.source.Protocol == proxyconfig.TLS {
			p.Speech = Mixed
			t.Handling, t.routes = Passthrough, c.out.routes.at[l.label]
			if l.tls != nil {
				t.Handling = Terminate
				terminating = append(terminating, l.tls)
			}
		}
		hosts.Set(l.source.Hostname, t)
	}
	p.tlsListeners = hosts.Hosts()
	if terminating != nil {
		p.Terminating = newTLS(terminating)
	}
}
