package render

import (
	"maps"
	"slices"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/beside"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// Memory keeps the routes and backends that were rendered last, so that those that a
// graph.Memory has taken over or remembered are not rendered again. The zero value
// remembers nothing. It is for one Gateway, and not safe for concurrent use.
type Memory struct {
	routes   beside.List[*graph.Route, *renderedRoute]
	backends beside.List[*graph.Backend, *renderedBackend]
	// around is what the backends depend on beside themselves, own what leads to them
	// beside routes, and tallies count what routes do.
	around  around
	own     map[string]use
	tallies tallies
	// graph is what was rendered last, and config what became of it.
	graph  *graph.Graph
	config proxyconfig.Config
}

// around are the parts of a Gateway that its backends depend on.
type around struct {
	common      *v1alpha1.BackendParameters
	certificate *graph.Certificate
}

// renderedRoute is a route with what it leads to; the route is nil where no listener
// has it.
type renderedRoute struct {
	route *proxyconfig.Route
	leads []reference
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
	out := proxyconfig.Config{
		Listeners: listeners(g.Gateway.AllListeners()),
		Tracing:   tracing(g.Tracing),
		Settings:  settings(g.Gateway.Parameters.Spec.Proxy),
	}
	r := m.revise(g)
	out.Routes = r.allRoutes()
	out.Backends = r.allBackends(ownReferences(out.Listeners, out.Tracing))
	m.graph, m.config = g, out
	return out
}

func (m *Memory) revise(g *graph.Graph) *revision {
	if m.graph == nil {
		m.graph, m.tallies = &graph.Graph{}, make(tallies)
	}
	return &revision{Memory: m, next: g, rules: make(map[*graph.Rule][]proxyconfig.Rule), before: make(map[string]use)}
}

// revision renders one graph.
type revision struct {
	*Memory
	next *graph.Graph
	// rules are those of routes that are others now, by the first of the nodes that they
	// were rendered from: what a route leads to may be the same all the same.
	rules map[*graph.Rule][]proxyconfig.Rule
	// before has what backends were there for whose tallies have changed.
	before map[string]use
}

func (r *revision) allRoutes() []proxyconfig.Route {
	if slices.Equal(r.graph.Routes, r.next.Routes) {
		return r.config.Routes
	}
	walk := r.routes.Next(len(r.next.Routes), graph.CompareRoutes)
	walk.Left = r.leave
	all := routes(r.next.Routes, func(node *graph.Route) *proxyconfig.Route { return walk.At(node, r.route).route })
	r.routes.Keep(walk)
	return all
}

func (r *revision) route(node *graph.Route) *renderedRoute {
	out := &renderedRoute{route: route(node, r.rulesOf)}
	if out.route != nil {
		out.leads = referencesOf(out.route)
		r.count(out.leads, 1)
	}
	return out
}

func (r *revision) leave(node *graph.Route, old *renderedRoute) {
	r.count(old.leads, -1)
	if old.route != nil && len(node.Rules) > 0 {
		r.rules[node.Rules[0]] = old.route.Rules
	}
}

func (r *revision) count(leads []reference, by int) {
	for _, lead := range leads {
		if _, noted := r.before[lead.id]; !noted {
			r.before[lead.id] = r.tallies[lead.id].use()
		}
	}
	r.tallies.count(leads, by)
}

func (r *revision) rulesOf(nodes []*graph.Rule) []proxyconfig.Rule {
	if len(nodes) > 0 {
		if known, ok := r.rules[nodes[0]]; ok {
			return known
		}
	}
	return rules(nodes)
}

func (r *revision) allBackends(own map[string]use) []proxyconfig.Backend {
	around := around{r.next.Gateway.Parameters.Spec.Backends, r.next.Gateway.ClientCertificate}
	if around != r.around {
		r.backends.Forget()
	} else if slices.Equal(r.graph.Backends, r.next.Backends) && maps.Equal(own, r.own) && r.sameUses() {
		return r.config.Backends
	}
	r.around, r.own = around, own
	walk := r.backends.Next(len(r.next.Backends), graph.CompareBackends)
	all := backends(r.next.Backends, func(node *graph.Backend) *proxyconfig.Backend { return r.backend(walk, node) })
	r.backends.Keep(walk)
	return all
}

// sameUses says whether backends are there for what they were there for before.
func (r *revision) sameUses() bool {
	for id, was := range r.before {
		if r.tallies[id].use() != was {
			return false
		}
	}
	return true
}

// backend returns nil for one that is of no use.
func (r *revision) backend(walk *beside.Walk[*graph.Backend, *renderedBackend], node *graph.Backend) *proxyconfig.Backend {
	known := walk.At(node, func(node *graph.Backend) *renderedBackend { return &renderedBackend{id: backendID(node.Key)} })
	if used := r.tallies[known.id].use() | r.own[known.id]; used != known.used {
		known.used, known.backend = used, nil
	}
	if known.used != 0 && known.backend == nil {
		known.backend = r.around.backend(node, known.id, known.used)
	}
	return known.backend
}
