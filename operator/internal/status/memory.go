package status

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/operator/internal/beside"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// Memory keeps the statuses of routes, so that those of a route that a graph.Memory
// has taken over are not made again, and can be told by being the same. What it
// builds is what Build builds. The zero value remembers nothing. It is for one
// Gateway, and not safe for concurrent use.
type Memory struct {
	routes beside.List[*graph.Route, *said]
	// sets are the ListenerSets of the Gateway.
	sets []types.NamespacedName
}

// said is what was found of a route.
type said struct {
	verdict verdict
	status  *Route
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
		rejected: make(map[*graph.Route]bool),
	}
	m.begin(b)
	walk := m.routes.Next(len(g.Routes), graph.CompareRoutes)
	set := b.build(g, walk)
	if m.routes.Keep(walk); b.leavesOut() {
		m.routes.Forget()
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
	if b.leavesOut() || !slices.Equal(m.sets, sets) {
		m.routes.Forget()
	}
	m.sets = sets
}

// leavesOut says whether anything of the routes is not served as it is written.
func (b *builder) leavesOut() bool { return len(b.refused)+len(b.oversize)+len(b.failed) > 0 }

// say finds what is to be said of a route.
func (b *builder) say(route *graph.Route) *said {
	out := &said{verdict: b.judge(route)}
	out.status = b.route(route, &out.verdict)
	return out
}
