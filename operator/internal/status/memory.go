package status

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// Memory keeps the statuses of routes, so that those of a route that a graph.Memory
// has taken over are not made again, and can be told by being the same. What it
// builds is what Build builds. The zero value remembers nothing. It is for one
// Gateway, and not safe for concurrent use.
type Memory struct {
	routes map[*graph.Route]*said
	// sets are the ListenerSets of the Gateway.
	sets []types.NamespacedName
	// turn counts the uses.
	turn int
}

// said is what was found of a route, and when that was of use last.
type said struct {
	verdict verdict
	status  *Route
	turn    int
}

// Build is the function Build. What it returns must not be changed.
func (m *Memory) Build(g *graph.Graph, observed Observed) Set {
	if g.Gateway == nil {
		return Set{}
	}
	b := &builder{
		gateway:  g.Gateway,
		observed: observed,
		refused:  indexRefused(observed.Refused),
		oversize: indexRefused(observed.Oversize),
		failed:   indexRefused(observed.Untranslated),
		memory:   m,
	}
	m.begin(b)
	set := b.build(g)
	m.end(len(g.Routes))
	if b.leavesOut() {
		m.routes = nil
	}
	return set
}

// begin forgets everything where the ListenerSets are others, or where something is
// not served: which routes that is about is not known before they are looked at.
func (m *Memory) begin(b *builder) {
	var sets []types.NamespacedName
	for _, set := range b.gateway.ListenerSets {
		sets = append(sets, set.Name())
	}
	if m.routes == nil || b.leavesOut() || !slices.Equal(m.sets, sets) {
		m.routes, m.sets = make(map[*graph.Route]*said), sets
	}
	m.turn++
}

// leavesOut says whether anything of the routes is not served as it is written.
func (b *builder) leavesOut() bool { return len(b.refused)+len(b.oversize)+len(b.failed) > 0 }

// end forgets the routes that are no more.
func (m *Memory) end(routes int) {
	if len(m.routes) == routes {
		return
	}
	for route, known := range m.routes {
		if known.turn != m.turn {
			delete(m.routes, route)
		}
	}
}

// said returns what is to be said of a route.
func (b *builder) said(route *graph.Route) *said {
	known := b.memory.routes[route]
	if known == nil {
		known = &said{verdict: b.judge(route)}
		known.status = b.route(route, &known.verdict)
		b.memory.routes[route] = known
	}
	known.turn = b.memory.turn
	return known
}
