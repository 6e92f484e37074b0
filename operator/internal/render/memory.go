package render

import (
	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/beside"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// Memory keeps the routes and backends that were rendered last, so that those that a
// graph.Memory has taken over or remembered are not rendered again. The zero value
// remembers nothing. It is for one Gateway, and not safe for concurrent use.
type Memory struct {
	// routes are nil for those that no listener has.
	routes   beside.List[*graph.Route, *proxyconfig.Route]
	backends beside.List[*graph.Backend, *renderedBackend]
	// around is what the backends depend on beside themselves.
	around around
	// graph is what was rendered last, and config what became of it.
	graph  *graph.Graph
	config proxyconfig.Config
}

// around are the parts of a Gateway that its backends depend on.
type around struct {
	common      *v1alpha1.BackendParameters
	certificate *graph.Certificate
}

// renderedBackend is a backend with what it was rendered for; the backend is nil as long
// as it is of no use.
type renderedBackend struct {
	id      string
	used    use
	backend *proxyconfig.Backend
}

// Config is the function Config. Slices that are the same as before are shared, and
// must not be changed. The same graph is the same configuration.
func (m *Memory) Config(g *graph.Graph) proxyconfig.Config {
	if g.Gateway == nil {
		return proxyconfig.Config{}
	}
	if g == m.graph {
		return m.config
	}
	r := revision{
		rules: make(map[*graph.Rule][]proxyconfig.Rule), around: around{g.Gateway.Parameters.Spec.Backends, g.Gateway.ClientCertificate},
		routes: m.routes.Next(len(g.Routes), graph.CompareRoutes), backends: m.backends.Next(len(g.Backends), graph.CompareBackends),
	}
	if r.around != m.around {
		m.backends.Forget()
		r.backends = m.backends.Next(len(g.Backends), graph.CompareBackends)
	}
	r.routes.Left = r.leave
	out := config(g, &r)
	m.routes.Keep(r.routes)
	m.backends.Keep(r.backends)
	m.around = r.around
	m.graph, m.config = g, out
	return out
}

// revision renders one graph.
type revision struct {
	routes   *beside.Walk[*graph.Route, *proxyconfig.Route]
	backends *beside.Walk[*graph.Backend, *renderedBackend]
	around   around
	// rules are those of routes that are others now, by the first of the nodes that they
	// were rendered from: what a route leads to may be the same all the same.
	rules map[*graph.Rule][]proxyconfig.Rule
}

func (r *revision) route(node *graph.Route) *proxyconfig.Route {
	return r.routes.At(node, func(node *graph.Route) *proxyconfig.Route { return route(node, r.rulesOf) })
}

func (r *revision) leave(node *graph.Route, old *proxyconfig.Route) {
	if old != nil && len(node.Rules) > 0 {
		r.rules[node.Rules[0]] = old.Rules
	}
}

func (r *revision) rulesOf(nodes []*graph.Rule) []proxyconfig.Rule {
	if len(nodes) > 0 {
		if known, ok := r.rules[nodes[0]]; ok {
			return known
		}
	}
	return rules(nodes)
}

// backend returns nil for one that is of no use.
func (r *revision) backend(node *graph.Backend, wanted uses) *proxyconfig.Backend {
	known := r.backends.At(node, func(node *graph.Backend) *renderedBackend { return &renderedBackend{id: backendID(node.Key)} })
	if used := wanted[known.id]; used != known.used {
		known.used, known.backend = used, nil
	}
	if known.used != 0 && known.backend == nil {
		known.backend = r.around.backend(node, known.id, known.used)
	}
	return known.backend
}
