package snapshot

import (
	"fmt"
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
	routes   router.Hosts[*Rule]
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
	rule, _ := l.routes.Find(serverName)
	return rule
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
func (s *Snapshot) SentProxy(c *balance.Cluster) proxyconfig.ProxyVersion { return s.sentProxy[c.ID] }

func newListener(l *proxyconfig.Listener) *Listener {
	out := &Listener{Name: l.Name, Port: uint16(l.Port)}
	if l.Sessions != nil {
		out.Idle, out.MaxSessions = timeout(l.Sessions.IdleMillis), int(l.Sessions.Max)
	}
	return out
}

// attachL4 claims the hostnames of a listener for the first rule of a route,
// unless an older route has them.
func (l *listenerEntries) attachL4(hostnames []string, rule *Rule) {
	for _, h := range hostnames {
		if _, taken := l.l4.Get(h); !taken {
			l.l4.Set(h, rule)
		}
	}
}

// buildUDP makes the port of a UDP listener.
func (l *listenerEntries) buildUDP() *UDPPort {
	rule, _ := l.l4.Get("")
	return &UDPPort{Number: l.label.Port, Listener: l.label, Rule: rule}
}

// buildL4 adds to a port what its listeners are below HTTP.
func (c *compiler) buildL4(p *Port, listeners []*listenerEntries) {
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
		p.TCPRule, _ = listeners[0].l4.Get("")
		p.TCPListener = listeners[0].label
	default:
		c.buildTLS(p, listeners)
	}
}

func (c *compiler) buildTLS(p *Port, listeners []*listenerEntries) {
	p.Speech = HTTPS
	var terminating []*listenerTLS
	for _, l := range listeners {
		t := &TLSListener{Listener: l.label, Handling: ServeHTTPS, routes: l.l4}
		if l.source.Protocol == proxyconfig.TLS {
			p.Speech = Mixed
			t.Handling = Passthrough
			if l.tls != nil {
				t.Handling = Terminate
				terminating = append(terminating, l.tls)
			}
		}
		p.tlsListeners.Set(l.source.Hostname, t)
	}
	if terminating != nil {
		p.Terminating = newTLS(terminating)
	}
}

// misfits returns the rules of a route that name a backend of which its kind
// can make nothing, by index, and refuses them.
func (c *compiler) misfits(r *proxyconfig.Route) map[int]bool {
	var out map[int]bool
	for i := range r.Rules {
		for j := range r.Rules[i].Backends {
			b := c.out.byID[r.Rules[i].Backends[j].Backend]
			if b == nil || b.Serves(r.Kind) || out[i] {
				continue
			}
			if out == nil {
				out = map[int]bool{}
			}
			out[i] = true
			c.refuse(proxyconfig.RefusedItem{Kind: proxyconfig.KindRule, Name: r.ID(), RouteKind: r.Kind, Rule: i,
				Reason: fmt.Sprintf("backend %q of protocol %q cannot serve a %s", b.ID, b.Protocol, r.Kind)})
		}
	}
	return out
}
