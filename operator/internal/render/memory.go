package render

import (
	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// Memory keeps the routes and rules that were rendered last, so that those that a
// graph.Memory has taken over or remembered are not rendered again. The zero value
// remembers nothing. It is for one Gateway, and not safe for concurrent use.
type Memory struct {
	routes map[*graph.Route]*rendered
	// rules are by the first of the nodes that they are rendered from.
	rules map[*graph.Rule][]proxyconfig.Rule
	// turn counts the uses.
	turn int
}

// rendered is a route, nil for one that no listener has, and when it was of use last.
type rendered struct {
	route *proxyconfig.Route
	turn  int
}

// Config is the function Config. Slices that are the same as before are shared, and
// must not be changed.
func (m *Memory) Config(g *graph.Graph) proxyconfig.Config {
	if m.routes == nil {
		m.routes, m.rules = make(map[*graph.Route]*rendered), make(map[*graph.Rule][]proxyconfig.Rule)
	}
	m.turn++
	out := config(g, m.route)
	if len(m.routes) != len(g.Routes) {
		m.forget()
	}
	return out
}

func (m *Memory) route(node *graph.Route) *proxyconfig.Route {
	known := m.routes[node]
	if known == nil {
		known = &rendered{route: route(node, m.rulesOf)}
		m.routes[node] = known
	}
	known.turn = m.turn
	return known.route
}

func (m *Memory) rulesOf(nodes []*graph.Rule) []proxyconfig.Rule {
	if len(nodes) == 0 {
		return rules(nodes)
	}
	known, ok := m.rules[nodes[0]]
	if !ok {
		known = rules(nodes)
		m.rules[nodes[0]] = known
	}
	return known
}

// forget drops what was not of use in this turn.
func (m *Memory) forget() {
	used := make(map[*graph.Rule]bool, len(m.rules))
	for node, known := range m.routes {
		if known.turn != m.turn {
			delete(m.routes, node)
		} else if len(node.Rules) > 0 {
			used[node.Rules[0]] = true
		}
	}
	for node := range m.rules {
		if !used[node] {
			delete(m.rules, node)
		}
	}
}
