package snapshot

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

// placement is where an attachment puts a route.
type placement struct {
	// at is nil for a listener that there is not.
	at *Listener
	// group is what the route has there; nil where the listener takes no such route.
	group *router.Group[*Rule]
}

// placements are those of the attachments, one for each. A nil route has none.
func (r *compiledRoute) placements() []placement {
	if r == nil {
		return nil
	}
	return r.placed
}

// rank is the route's place among others.
func (r *compiledRoute) rank() router.Rank {
	in := r.source
	return router.Rank{CreatedAt: in.CreatedAt, Kind: in.Kind, Namespace: in.Namespace, Name: in.Name}
}

func (r *compiledRoute) compare(o *compiledRoute) int {
	a, b := r.rank(), o.rank()
	return a.Compare(&b)
}

// stays says whether a route with the rules of before is also where that was.
func (c *compiler) stays(before *compiledRoute, r *proxyconfig.Route) bool {
	if before.source.CreatedAt != r.CreatedAt || !reflect.DeepEqual(before.source.Attachments, r.Attachments) {
		return false
	}
	for i, p := range before.placed {
		l := c.out.frame.listeners[r.Attachments[i].Listener]
		if l == nil && p.at != nil || l != nil && (l.label != p.at || l.source.Takes(r.Kind) != (p.group != nil)) {
			return false
		}
	}
	return true
}

// place attaches a route whose rules are compiled. A group that is what before, which
// may be nil, has at the listener is the same one, by which the table sees that.
func (c *compiler) place(r, before *compiledRoute) {
	r.placed = make([]placement, 0, len(r.source.Attachments))
	if r.rare != nil {
		r.rarely().misplaced = nil
	}
	for i := range r.source.Attachments {
		a := &r.source.Attachments[i]
		var p placement
		if l := c.out.frame.listeners[a.Listener]; l != nil {
			p.at = l.label
			if l.source.Takes(r.source.Kind) {
				p.group = &router.Group[*Rule]{Rank: r.rank(), Entries: c.entries(r, a, l.label)}
			} else {
				rare := r.rarely()
				rare.misplaced = append(rare.misplaced, misplacedItem(r.source, l.source))
			}
		}
		if old := before.placements(); i < len(old) && old[i].same(p) {
			p = old[i]
		}
		r.placed = append(r.placed, p)
	}
}

func (p placement) same(o placement) bool {
	return p.at == o.at && p.group != nil && o.group != nil &&
		p.group.Rank == o.group.Rank && slices.Equal(p.group.Entries, o.group.Entries)
}

// entries are the ways to a route's rules through a listener. Of a route below HTTP the
// first rule has all that comes.
func (c *compiler) entries(r *compiledRoute, a *proxyconfig.Attachment, l *Listener) []router.Entry[*Rule] {
	rules := r.rules
	if r.source.IsL4() {
		rules = rules[:min(1, len(rules))]
	}
	count := 0
	for i := range rules {
		count += len(rules[i].matchers) * len(a.Hostnames)
	}
	entries := make([]router.Entry[*Rule], 0, count)
	for i := range rules {
		rule := c.through(r, &rules[i], l)
		for _, m := range rules[i].matchers {
			for j, h := range a.Hostnames {
				entries = append(entries, router.Entry[*Rule]{Hostname: h, Written: a.WrittenOf(j), Matcher: m, Value: rule})
			}
		}
	}
	return entries
}

// through is a rule as it is reached through a listener.
func (c *compiler) through(r *compiledRoute, rule *compiledRule, l *Listener) *Rule {
	series := c.out.series.id(Series{Listener: l.Name, Route: routeID(r.source), Rule: rule.label})
	return rule.through(l, series, c.out.frame.has)
}

func misplacedItem(r *proxyconfig.Route, l *proxyconfig.Listener) proxyconfig.RefusedItem {
	return proxyconfig.RefusedItem{Kind: proxyconfig.KindRoute, Name: r.ID(), RouteKind: r.Kind,
		Reason: fmt.Sprintf("listener %q of protocol %s takes no %s", l.Name, l.Protocol, r.Kind)}
}
