package status

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/operator/internal/beside"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// Memory keeps the statuses of routes and ListenerSets, so that those of what a
// graph.Memory has taken over are not made again, and can be told by being the same. What
// it builds is what Build builds. The zero value remembers nothing. It is for one
// Gateway, and not safe for concurrent use.
type Memory struct {
	routes beside.List[*graph.Route, *said]
	sets   beside.List[*graph.ListenerSet, *saidOfSet]
	// gateway is what the ListenerSets were looked at with, names are theirs, and outlook
	// is what was to be said of all of them.
	gateway *graph.Gateway
	names   *Sets
	outlook outlook
	// conditions are those that were made last.
	conditions []metav1.Condition
	// failed are the routes that stand-ins were served for.
	failed refusedItems
	// graph is what was looked at last, all are the statuses of its routes, turn counts how
	// often these were others, and rejected are those routes that are not accepted wherever
	// they are attached.
	graph    *graph.Graph
	all      []*Route
	turn     int
	rejected map[*graph.Route]bool
}

// said is what was found of a route.
type said struct {
	verdict verdict
	status  *Route
}

// Build is the function Build. What it returns must not be changed, and its list of routes
// holds until the next call.
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
		rejected: make(map[*graph.Route]bool),
	}
	m.begin(b)
	return b.build(g)
}

// Turn is another number whenever Build has returned other routes than before. Routes are
// the same if they are the same pointers.
func (m *Memory) Turn() int { return m.turn }

// routesOf are the statuses of the graph's routes.
func (b *builder) routesOf(g *graph.Graph) []*Route {
	m := b.memory
	if g == m.graph {
		b.rejected = m.rejected
		return m.all
	}
	walk, before := m.routes.Next(len(g.Routes), graph.CompareRoutes), m.all
	// The list of before is written over, after a look at what is there.
	all, others := slices.Grow(before[:0], len(g.Routes)), len(before) != len(g.Routes)
	for i, route := range g.Routes {
		said := walk.At(route, b.say)
		others = others || before[i] != said.status
		if all = append(all, said.status); !said.verdict.accepted() {
			b.rejected[route] = true
		}
	}
	clear(before[min(len(all), len(before)):])
	if len(all) == 0 {
		all = nil
	}
	if others {
		m.turn++
	}
	m.routes.Keep(walk)
	m.graph, m.all, m.rejected = g, all, b.rejected
	if b.leavesOut() {
		m.forget()
	}
	return all
}

func (m *Memory) forget() {
	*m = Memory{names: m.names, gateway: m.gateway, turn: m.turn, failed: m.failed}
}

// begin forgets everything where something is not served: which routes that is about is
// not known before they are looked at. What stands in for a route is a node of its own, so
// there it is enough if the stand-ins are those of before. Of ListenerSets that have come or gone all routes
// are told, by what they share.
func (m *Memory) begin(b *builder) {
	if b.leavesOut() || !maps.Equal(m.failed, b.failed) {
		m.forget()
	}
	m.failed = b.failed
	if m.names == nil {
		m.names = &Sets{}
	}
	if m.gateway != b.gateway {
		m.names.set(namesOfSets(b.gateway.ListenerSets))
	}
}

// leavesOut says whether anything of the routes is not served as it was translated.
func (b *builder) leavesOut() bool { return len(b.refused)+len(b.oversize) > 0 }

// shared returns the conditions that were made last where those given are the same, as
// they are for most routes: there may be tens of thousands of them.
func (m *Memory) shared(conditions []metav1.Condition) []metav1.Condition {
	if !slices.Equal(m.conditions, conditions) {
		m.conditions = conditions
	}
	return m.conditions
}

// say finds what is to be said of a route.
func (b *builder) say(route *graph.Route) *said {
	out := &said{verdict: b.judge(route)}
	out.status = b.route(route, &out.verdict)
	return out
}
