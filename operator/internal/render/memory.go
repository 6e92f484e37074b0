package render

import (
	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// Memory keeps the rules that were rendered last, so that those of a route that a
// graph.Memory has remembered are not rendered again. The zero value remembers
// nothing. It is for one Gateway, and not safe for concurrent use.
type Memory struct {
	// rules are by the first of the nodes that they are rendered from.
	rules map[*graph.Rule][]proxyconfig.Rule
}

// Config is the function Config. Slices that are the same as before are shared, and
// must not be changed.
func (m *Memory) Config(g *graph.Graph) proxyconfig.Config {
	next := make(map[*graph.Rule][]proxyconfig.Rule, len(g.Routes))
	out := config(g, func(nodes []*graph.Rule) []proxyconfig.Rule {
		if len(nodes) == 0 {
			return rules(nodes)
		}
		known, ok := m.rules[nodes[0]]
		if !ok {
			known = rules(nodes)
		}
		next[nodes[0]] = known
		return known
	})
	m.rules = next
	return out
}
