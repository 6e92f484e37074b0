package snapshot

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// arrange puts the routes into their order. Those that were taken over are in it
// already, so that only fresh ones have to find their places.
func (c *compiler) arrange(fresh []*compiledRoute) {
	slices.SortFunc(fresh, (*compiledRoute).compare)
	var before []*compiledRoute
	if c.in.Previous != nil {
		before = c.in.Previous.order
	}
	order := make([]*compiledRoute, 0, len(c.out.routes))
	for _, r := range before {
		if r.newest != c.out {
			continue
		}
		for len(fresh) > 0 && fresh[0].compare(r) < 0 {
			order, fresh = append(order, fresh[0]), fresh[1:]
		}
		order = append(order, r)
	}
	order = append(order, fresh...)
	// One that was taken over may be of another age now.
	if !slices.IsSortedFunc(order, (*compiledRoute).compare) {
		slices.SortFunc(order, (*compiledRoute).compare)
	}
	c.out.order = order
}

func (c *compiledRoute) compare(o *compiledRoute) int { return compareRoutes(c.source, o.source) }

// compareRoutes is the order among equally specific matches (Gateway API,
// HTTPRouteRule.Matches): the oldest route, then the name.
func compareRoutes(a, b *proxyconfig.Route) int {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), compareIDs(a, b), strings.Compare(a.Kind, b.Kind),
		strings.Compare(a.Namespace, b.Namespace))
}

// compareIDs compares the routes' IDs, and puts them together only where it has to.
func compareIDs(a, b *proxyconfig.Route) int {
	if a.Namespace == b.Namespace {
		return strings.Compare(a.Name, b.Name)
	}
	common := min(len(a.Namespace), len(b.Namespace))
	if n := strings.Compare(a.Namespace[:common], b.Namespace[:common]); n != 0 {
		return n
	}
	return strings.Compare(a.ID(), b.ID())
}
