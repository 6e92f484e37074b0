package snapshot

import (
	"bytes"
	"maps"
	"reflect"
	"slices"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/pmap"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

// routeTable are the routes of a configuration, and the listeners' tables of them. It is
// immutable.
type routeTable struct {
	// byID are the sound routes.
	byID pmap.Map[RouteID, *compiledRoute]
	// refused are the routes that are not, and refusing those of byID of which
	// something is, in the order of their ranks.
	refused  []proxyconfig.RefusedItem
	refusing []*compiledRoute
	// at are the tables of the listeners.
	at map[*Listener]*router.Table[*Rule]
}

// routeEdit is a routeTable in the making.
type routeEdit struct {
	byID     *pmap.Edit[RouteID, *compiledRoute]
	refused  []proxyconfig.RefusedItem
	refusing []*compiledRoute
	// groups come and go at the listeners.
	groups map[*Listener]*groupChange
}

type groupChange struct{ gone, come []*router.Group[*Rule] }

func newRouteEdit(byID pmap.Map[RouteID, *compiledRoute]) *routeEdit {
	return &routeEdit{byID: byID.Edit(), groups: map[*Listener]*groupChange{}}
}

// compileRoutes goes by what differs from the snapshot before where it can.
func (c *compiler) compileRoutes() {
	if !c.mayAmendRoutes() || !c.amendRoutes() {
		c.compileAllRoutes()
	}
	c.out.routes = routeTable{
		byID: c.routes.byID.Map(), refused: c.routes.refused, refusing: c.routes.refusing, at: c.tables(),
	}
	c.out.routes.sortRefusing()
	c.refused = append(c.refused, c.out.routes.refused...)
	for _, r := range c.out.routes.refusing {
		c.refused = append(c.refused, r.troubles()...)
	}
}

// mayAmendRoutes says whether a route that did not change is what it was before, unless
// a backend of its own has changed.
func (c *compiler) mayAmendRoutes() bool {
	p := c.in.Previous
	return p != nil && len(p.routes.refused) == 0 && !c.allBackends && bytes.Equal(p.secret, c.out.secret) &&
		(c.out.frame == p.frame || c.out.frame.extends(p.frame) && !p.routes.astray())
}

// astray says whether some route is attached to a listener that there is not.
func (t *routeTable) astray() bool {
	for _, r := range t.byID.All() {
		if slices.ContainsFunc(r.placed, func(p placement) bool { return p.at == nil }) {
			return true
		}
	}
	return false
}

// amendRoutes compiles the routes that changed, and those of which a backend has. It
// returns false, and has done nothing, where one of them is to be refused.
func (c *compiler) amendRoutes() bool {
	p := c.in.Previous
	before, now := p.Config.RoutePieces(), c.in.Config.RoutePieces()
	leaving, entering := before.Beside(now), now.Beside(before)
	gone := make(map[RouteID]*proxyconfig.Route, len(leaving))
	for _, r := range leaving {
		gone[routeID(r)] = r
	}
	var come, same []*proxyconfig.Route
	seen := make(map[RouteID]bool, len(entering))
	for _, r := range entering {
		id := routeID(r)
		old := gone[id]
		if _, there := p.routes.byID.Get(id); seen[id] || there && old == nil {
			return false
		}
		seen[id] = true
		if old != nil && reflect.DeepEqual(old, r) {
			// Nothing was refused before, so that this is sound.
			same = append(same, r)
			continue
		}
		if proxyconfig.ValidateRoute(r) != nil {
			return false
		}
		come = append(come, r)
	}
	maps.DeleteFunc(gone, func(id RouteID, _ *proxyconfig.Route) bool { return seen[id] })
	c.routes = newRouteEdit(p.routes.byID)
	c.routes.refusing = slices.Clone(p.routes.refusing)
	for id := range gone {
		c.dropRoute(id)
	}
	for _, r := range same {
		// It would keep the memory of the configuration before.
		if compiled, there := p.routes.byID.Get(routeID(r)); there {
			compiled.source = r
		}
	}
	for _, r := range come {
		before, _ := p.routes.byID.Get(routeID(r))
		c.enterRoute(r, before)
	}
	c.reroute()
	return true
}

// reroute looks at the routes that lead to a backend which is served by something else
// now.
func (c *compiler) reroute() {
	if len(c.rerouted) == 0 {
		return
	}
	for id, r := range c.in.Previous.routes.byID.All() {
		if current, _ := c.routes.byID.Get(id); current == r && r.leadsToAny(c.rerouted) {
			c.enterRoute(r.source, r)
		}
	}
}

func (c *compiler) compileAllRoutes() {
	c.routes = newRouteEdit(pmap.Map[RouteID, *compiledRoute]{})
	before := pmap.Map[RouteID, *compiledRoute]{}
	if c.in.Previous != nil {
		before = c.in.Previous.routes.byID
	}
	valid := proxyconfig.ValidRoutes(c.in.Config, func(item proxyconfig.RefusedItem) {
		c.routes.refused = append(c.routes.refused, item)
	})
	for _, r := range valid {
		old, _ := before.Get(routeID(r))
		c.enterRoute(r, old)
	}
	for id, old := range before.All() {
		if _, there := c.routes.byID.Get(id); !there {
			c.move(old, nil)
		}
	}
}

// enterRoute compiles a route, taking over from what it was before, which may be nil.
func (c *compiler) enterRoute(r *proxyconfig.Route, before *compiledRoute) {
	compiled := c.compileRoute(r, before)
	c.routes.byID.Set(routeID(r), compiled)
	if len(compiled.troubles()) > 0 {
		c.routes.refusing = append(c.routes.refusing, compiled)
	}
	c.move(before, compiled)
}

func (c *compiler) dropRoute(id RouteID) {
	if r, there := c.routes.byID.Get(id); there {
		c.routes.byID.Delete(id)
		c.move(r, nil)
	}
}

// move has the groups of a route come and go at its listeners. Both may be nil.
func (c *compiler) move(before, after *compiledRoute) {
	if before == after {
		return
	}
	for _, p := range before.placements() {
		if p.group != nil && !slices.Contains(after.placements(), p) {
			change := c.groupsAt(p.at)
			change.gone = append(change.gone, p.group)
		}
	}
	for _, p := range after.placements() {
		if p.group != nil && !slices.Contains(before.placements(), p) {
			change := c.groupsAt(p.at)
			change.come = append(change.come, p.group)
		}
	}
}

func (c *compiler) groupsAt(l *Listener) *groupChange {
	change := c.routes.groups[l]
	if change == nil {
		change = &groupChange{}
		c.routes.groups[l] = change
	}
	return change
}

// tables takes over the tables of the snapshot before, but for those of which groups
// come or go.
func (c *compiler) tables() map[*Listener]*router.Table[*Rule] {
	var before map[*Listener]*router.Table[*Rule]
	if c.in.Previous != nil {
		before = c.in.Previous.routes.at
		if c.out.frame == c.in.Previous.frame && len(c.routes.groups) == 0 {
			return before
		}
	}
	tables := make(map[*Listener]*router.Table[*Rule], len(c.out.frame.listeners))
	for _, l := range c.out.frame.listeners {
		table := before[l.label]
		if change := c.routes.groups[l.label]; change != nil {
			table = router.Renew(table, change.gone, change.come)
		} else if table == nil {
			table = &router.Table[*Rule]{}
		}
		tables[l.label] = table
	}
	return tables
}

// sortRefusing leaves out what is no longer there, and puts the others into their order.
func (t *routeTable) sortRefusing() {
	t.refusing = slices.DeleteFunc(t.refusing, func(r *compiledRoute) bool {
		current, _ := t.byID.Get(routeID(r.source))
		return current != r
	})
	slices.SortFunc(t.refusing, (*compiledRoute).compare)
	t.refusing = slices.Compact(t.refusing)
}
