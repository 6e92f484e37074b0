package snapshot

import (
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

func (c *compiler) buildPorts() {
	for _, l := range c.out.frame.udp {
		c.out.UDPPorts = append(c.out.UDPPorts, c.buildUDP(l))
	}
	for i, listeners := range c.out.frame.ports {
		if before := c.portBefore(i); before != nil {
			c.out.Ports = append(c.out.Ports, c.renewPort(before))
			continue
		}
		c.out.Ports = append(c.out.Ports, c.buildPort(listeners))
	}
}

// portBefore returns the port of the snapshot before, where nothing but what is routed
// may have changed of it; else nil.
func (c *compiler) portBefore(i int) *Port {
	p := c.in.Previous
	if p == nil || p.frame != c.out.frame {
		return nil
	}
	port := p.Ports[i]
	if port.gated || port.Tracing != c.tracing() || port.Speech != PlainHTTP && port.Speech != HTTPS {
		return nil
	}
	return port
}

// renewPort takes over a port but for the listeners whose routes have changed.
func (c *compiler) renewPort(before *Port) *Port {
	port := *before
	tables := port.listeners.Edit()
	for label := range c.routes.groups {
		l := c.out.frame.listeners[label.Name].source
		if label.Port == port.Number && l.Protocol != proxyconfig.UDP {
			tables.Set(l.Hostname, c.out.routes.at[label])
		}
	}
	port.listeners = tables.Hosts()
	return &port
}

func (c *compiler) buildPort(listeners []*boundListener) *Port {
	p := &Port{Number: listeners[0].label.Port, Tracing: c.tracing()}
	c.buildL4(p, listeners)
	var terminating []*listenerTLS
	tables, gates := p.listeners.Edit(), p.gates.Edit()
	for _, l := range listeners {
		table := c.out.routes.at[l.label]
		if l.source.Protocol == proxyconfig.TLS || l.source.Protocol == proxyconfig.TCP {
			// What is below HTTP has no requests that could match.
			table = &router.Table[*Rule]{}
		}
		tables.Set(l.source.Hostname, table)
		c.setGate(p, gates, l, table)
		if l.tls != nil && l.source.Protocol == proxyconfig.HTTPS {
			terminating = append(terminating, l.tls)
		}
	}
	p.listeners, p.gates = tables.Hosts(), gates.Hosts()
	if terminating != nil {
		p.TLS = newTLS(terminating)
	}
	return p
}
