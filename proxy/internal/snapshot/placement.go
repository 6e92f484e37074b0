package snapshot

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

// placed is where a route is attached, with what that makes of it. It holds until the
// attachments change, a listener of theirs, or what backends the rules lead to.
type placed struct {
	attachments []proxyconfig.Attachment
	misfits     map[int]bool
	// fit are the backends among which none is a misfit; nil where there are some.
	fit *backendTable
	// at are the listeners of the attachments; nil for one that there is not.
	at []*Listener
	// entries are the route's at each listener.
	entries [][]router.Entry[*Rule]
}

// attach adds the rules of a route to its listeners.
func (c *compiler) attach(compiled *compiledRoute) {
	r := compiled.source
	var misfits map[int]bool
	if compiled.placed.fit != c.out.backendTable {
		misfits = c.misfits(r)
	}
	if r.IsL4() {
		c.attachL4(compiled, misfits)
		return
	}
	if !c.stays(&compiled.placed, r, misfits) {
		c.place(compiled, misfits)
	}
	compiled.placed.fit = nil
	if len(misfits) == 0 {
		compiled.placed.fit = c.out.backendTable
	}
	for i, label := range compiled.placed.at {
		switch l := c.listeners[r.Attachments[i].Listener]; {
		case label == nil:
		case !l.source.Takes(r.Kind):
			c.refuseKind(r, l)
		default:
			l.entries = append(l.entries, compiled.placed.entries[i])
		}
	}
}

// stays says whether the route is where it was, the same as it was.
func (c *compiler) stays(p *placed, r *proxyconfig.Route, misfits map[int]bool) bool {
	if !same(p.attachments, r.Attachments) || !maps.Equal(p.misfits, misfits) || len(p.at) != len(r.Attachments) {
		return false
	}
	for i := range r.Attachments {
		if p.at[i] != c.labelOf(r.Attachments[i].Listener) {
			return false
		}
	}
	return true
}

// labelOf returns nil for a listener that was refused or that does not exist: that has
// been named already, or is the operator's to name.
func (c *compiler) labelOf(listener string) *Listener {
	if l, ok := c.listeners[listener]; ok {
		return l.label
	}
	return nil
}

// place makes the entries of a route. Rules among misfits answer 500. Entries that are
// those of before stay where they lie, by which a table sees that they are.
func (c *compiler) place(compiled *compiledRoute, misfits map[int]bool) {
	r, before := compiled.source, compiled.placed
	p := placed{attachments: r.Attachments, misfits: misfits}
	for i := range r.Attachments {
		label := c.labelOf(r.Attachments[i].Listener)
		var entries []router.Entry[*Rule]
		if label != nil {
			entries = c.entries(compiled, &r.Attachments[i], label, misfits)
		}
		if i < len(before.entries) && slices.Equal(entries, before.entries[i]) {
			entries = before.entries[i]
		}
		p.at, p.entries = append(p.at, label), append(p.entries, entries)
	}
	compiled.placed = p
}

func (c *compiler) entries(compiled *compiledRoute, a *proxyconfig.Attachment, label *Listener, misfits map[int]bool) []router.Entry[*Rule] {
	var entries []router.Entry[*Rule]
	for i := range compiled.rules {
		rule := c.through(compiled, i, label, misfits)
		for _, m := range compiled.rules[i].matchers {
			for j, h := range a.Hostnames {
				entries = append(entries, router.Entry[*Rule]{Hostname: h, Written: a.WrittenOf(j), Matcher: m, Value: rule})
			}
		}
	}
	return entries
}

// through is a rule as it is reached through a listener.
func (c *compiler) through(compiled *compiledRoute, index int, label *Listener, misfits map[int]bool) *Rule {
	fail := 0
	if misfits[index] {
		fail = http.StatusInternalServerError
	}
	rule := &compiled.rules[index]
	series := c.out.series.id(Series{Listener: label.Name, Route: routeID(compiled.source), Rule: rule.label})
	return rule.through(label, series, fail, c.current)
}

// attachL4 has the first rule of a route below HTTP claim the hostnames of its
// listeners.
func (c *compiler) attachL4(compiled *compiledRoute, misfits map[int]bool) {
	r := compiled.source
	for i := range r.Attachments {
		l, ok := c.listeners[r.Attachments[i].Listener]
		switch {
		case !ok:
		case !l.source.Takes(r.Kind):
			c.refuseKind(r, l)
		case len(compiled.rules) > 0:
			l.attachL4(r.Attachments[i].Hostnames, c.through(compiled, 0, l.label, misfits))
		}
	}
}

func (c *compiler) refuseKind(r *proxyconfig.Route, l *listenerEntries) {
	c.refuse(proxyconfig.RefusedItem{Kind: proxyconfig.KindRoute, Name: r.ID(), RouteKind: r.Kind,
		Reason: fmt.Sprintf("listener %q of protocol %s takes no %s", l.source.Name, l.source.Protocol, r.Kind)})
}
