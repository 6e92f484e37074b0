package snapshot

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"

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
	backends := proxyconfig.ValidBackends(in.Config, c.refuse)
	c.out = &Snapshot{
		Hash:     in.Document.Hash,
		Revision: in.Document.Revision,
		Config:   in.Config,
		change:   in.Registry.Prepare(backends),
		routes:   make(map[RouteID]*compiledRoute, len(in.Config.Routes)),
		labels:   make(map[string]*Listener, len(in.Config.Listeners)),
		series:   newSeriesTable(),
		tickets:  map[ticketScope]*tls.Config{},
		secret:   in.SessionSecret,
	}
	if in.Previous != nil {
		c.out.series = in.Previous.series
	}
	c.indexBackends(backends)
	c.refused = append(c.refused, c.out.change.Refused()...)
	c.compileTransports(backends)
	c.compileTracing()
	c.compileSettings()
	c.compileListeners()
	c.compileRoutes()
	c.buildPorts()
	c.out.Series = slices.Clip(c.out.series.list)
	return c.out, c.refused
}

type compiler struct {
	in      Input
	out     *Snapshot
	refused []proxyconfig.RefusedItem
	// listeners are the sound ones, by name; order lists them as configured.
	listeners map[string]*listenerEntries
	order     []*listenerEntries
	// backends are the sound ones, by ID.
	backends map[string]*proxyconfig.Backend
}

// listenerEntries gathers the routes of one listener.
type listenerEntries struct {
	source  *proxyconfig.Listener
	label   *Listener
	tls     *listenerTLS
	entries []router.Entry[*Rule]
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
	slices.SortStableFunc(routes, compareRoutes)
	for _, r := range routes {
		compiled := c.compileRoute(r)
		c.refused = append(c.refused, compiled.refused...)
		misfits := c.misfits(r)
		for i := range r.Attachments {
			c.attach(r, &r.Attachments[i], compiled, misfits)
		}
	}
}

// compareRoutes is the order among equally specific matches (Gateway API,
// HTTPRouteRule.Matches): the oldest route, then the name.
func compareRoutes(a, b *proxyconfig.Route) int {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), strings.Compare(a.ID(), b.ID()), strings.Compare(a.Kind, b.Kind))
}

// compileRoute takes the route over from the snapshot before where it can.
func (c *compiler) compileRoute(r *proxyconfig.Route) *compiledRoute {
	key := routeID(r)
	var compiled *compiledRoute
	if c.in.Previous != nil {
		compiled = c.in.Previous.routes[key]
	}
	if compiled != nil && compiled.reusable(r, c.out) {
		compiled.source = r
	} else {
		compiled = compileRoute(r, c.out)
		c.out.Compiled++
	}
	c.out.routes[key] = compiled
	return compiled
}

// attach adds the route's rules to a listener. A listener that was refused or
// that does not exist has been named already, or is the operator's to name.
// Rules among misfits answer 500.
func (c *compiler) attach(r *proxyconfig.Route, a *proxyconfig.Attachment, compiled *compiledRoute, misfits map[int]bool) {
	l, ok := c.listeners[a.Listener]
	if !ok {
		return
	}
	if !l.source.Takes(r.Kind) {
		c.refuse(proxyconfig.RefusedItem{Kind: proxyconfig.KindRoute, Name: r.ID(), RouteKind: r.Kind,
			Reason: fmt.Sprintf("listener %q of protocol %s takes no %s", a.Listener, l.source.Protocol, r.Kind)})
		return
	}
	id := routeID(r)
	for i := range compiled.rules {
		fail := 0
		if misfits[i] {
			fail = http.StatusInternalServerError
		}
		series := c.out.series.id(Series{Listener: a.Listener, Route: id, Rule: compiled.rules[i].label})
		rule := compiled.rules[i].through(l.label, series, fail, c.current)
		if r.IsL4() {
			l.attachL4(a.Hostnames, rule)
			return
		}
		for _, m := range compiled.rules[i].matchers {
			for j, h := range a.Hostnames {
				l.entries = append(l.entries, router.Entry[*Rule]{Hostname: h, Written: a.WrittenOf(j), Matcher: m, Value: rule})
			}
		}
	}
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
		table := router.New(l.entries)
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
