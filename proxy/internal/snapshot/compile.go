package snapshot

import (
	"cmp"
	"crypto/tls"
	"slices"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

// Input is what Compile reads.
type Input struct {
	Document *proxyconfig.Document
	Config   *proxyconfig.Config
	// Certificates may be nil where there are none.
	Certificates Certificates
	Registry     *balance.Registry
	// SessionSecret is what the keys of sessions are derived from. Without it no
	// rule with sessions is served.
	SessionSecret []byte
	// Previous is the snapshot that serves, or nil. What did not change is taken
	// over from it, identifiers of series among it.
	Previous *Snapshot
}

// Compile makes a Snapshot and names what it had to refuse, in a fixed order.
// It never fails as a whole. The caller swaps the Snapshot in and then calls its
// Commit. Calls must not overlap.
func Compile(in Input) (*Snapshot, []proxyconfig.RefusedItem) {
	c := &compiler{in: in, listeners: map[string]*listenerEntries{}}
	c.out = &Snapshot{
		Hash:     in.Document.Hash,
		Revision: in.Document.Revision,
		Config:   in.Config,
		routes:   make(map[RouteID]*compiledRoute, len(in.Config.Routes)),
		tables:   make(map[*Listener]*router.Table[*Rule], len(in.Config.Listeners)),
		labels:   make(map[string]*Listener, len(in.Config.Listeners)),
		series:   newNumbers[Series](probe.MaxSeries),
		tickets:  map[ticketScope]*tls.Config{},
		secret:   in.SessionSecret,

		listeners: newNumbers[string](MaxListeners),
	}
	if in.Previous != nil {
		c.out.series, c.out.listeners = in.Previous.series, in.Previous.listeners
	}
	c.compileBackends()
	c.compileTracing()
	c.compileSettings()
	c.compileListeners()
	c.compileRoutes()
	c.buildPorts()
	c.out.Series = slices.Clip(c.out.series.list)
	c.out.Listeners = slices.Clip(c.out.listeners.list)
	return c.out, c.refused
}

type compiler struct {
	in      Input
	out     *Snapshot
	refused []proxyconfig.RefusedItem
	// listeners are the sound ones, by name; order lists them as configured.
	listeners map[string]*listenerEntries
	order     []*listenerEntries
}

// listenerEntries gathers the routes of one listener.
type listenerEntries struct {
	source *proxyconfig.Listener
	label  *Listener
	tls    *listenerTLS
	// entries are those of each route, in the order of the routes.
	entries [][]router.Entry[*Rule]
	// l4 holds the rules of routes below HTTP by hostname.
	l4 router.Hosts[*Rule]
}

func (c *compiler) refuse(item proxyconfig.RefusedItem) { c.refused = append(c.refused, item) }

func (c *compiler) compileListeners() {
	for _, l := range proxyconfig.ValidListeners(c.in.Config, c.refuse) {
		e := &listenerEntries{source: l, label: c.label(l)}
		if l.Protocol == proxyconfig.HTTPS || l.TLSMode == proxyconfig.TLSTerminate {
			e.tls = c.compileListenerTLS(l)
		}
		c.listeners[l.Name] = e
		c.order = append(c.order, e)
	}
}

// label takes a listener over from the snapshot before where it is the same.
func (c *compiler) label(l *proxyconfig.Listener) *Listener {
	label := newListener(l)
	label.Number = c.out.listeners.id(l.Name)
	if c.in.Previous != nil {
		if old := c.in.Previous.labels[l.Name]; old != nil && *old == *label {
			label = old
		}
	}
	c.out.labels[l.Name] = label
	return label
}

// current says whether a listener is one of this snapshot.
func (c *compiler) current(l *Listener) bool { return c.out.labels[l.Name] == l }

func (c *compiler) compileRoutes() {
	routes := proxyconfig.ValidRoutes(c.in.Config, c.refuse)
	var fresh []*compiledRoute
	for _, r := range routes {
		if compiled, taken := c.compileRoute(r); !taken {
			fresh = append(fresh, compiled)
		}
	}
	c.arrange(fresh)
	for _, compiled := range c.out.order {
		c.refused = append(c.refused, compiled.refused...)
		c.attach(compiled)
	}
}

// compileRoute takes the route over from the snapshot before where it can.
func (c *compiler) compileRoute(r *proxyconfig.Route) (compiled *compiledRoute, taken bool) {
	key := routeID(r)
	if c.in.Previous != nil {
		compiled = c.in.Previous.routes[key]
	}
	if taken = compiled != nil && compiled.reusable(r, c.out); taken {
		compiled.source, compiled.newest = r, c.out
	} else {
		compiled = compileRoute(r, c.out)
		c.out.Compiled++
	}
	c.out.routes[key] = compiled
	return compiled, taken
}

func (c *compiler) buildPorts() {
	byNumber := map[uint16][]*listenerEntries{}
	for _, l := range c.order {
		if l.source.Protocol == proxyconfig.UDP {
			c.out.UDPPorts = append(c.out.UDPPorts, l.buildUDP())
			continue
		}
		byNumber[l.label.Port] = append(byNumber[l.label.Port], l)
	}
	for number, listeners := range byNumber {
		c.out.Ports = append(c.out.Ports, c.buildPort(number, listeners))
	}
	slices.SortFunc(c.out.Ports, func(a, b *Port) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(c.out.UDPPorts, func(a, b *UDPPort) int { return cmp.Compare(a.Number, b.Number) })
}

func (c *compiler) buildPort(number uint16, listeners []*listenerEntries) *Port {
	p := &Port{Number: number, Tracing: c.tracing()}
	c.buildL4(p, listeners)
	var terminating []*listenerTLS
	for _, l := range listeners {
		table := c.table(l)
		p.listeners.Set(l.source.Hostname, table)
		c.setGate(p, l, table)
		if l.tls != nil && l.source.Protocol == proxyconfig.HTTPS {
			terminating = append(terminating, l.tls)
		}
	}
	if terminating != nil {
		p.TLS = newTLS(terminating)
	}
	return p
}

// table takes the hosts of a listener over from the snapshot before as far as nothing
// about them has changed.
func (c *compiler) table(l *listenerEntries) *router.Table[*Rule] {
	var before *router.Table[*Rule]
	if c.in.Previous != nil {
		before = c.in.Previous.tables[l.label]
	}
	table := router.Renew(before, l.entries)
	c.out.tables[l.label] = table
	return table
}
