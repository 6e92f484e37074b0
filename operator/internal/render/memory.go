package render

import (
	"maps"
	"reflect"
	"slices"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/beside"
	"github.com/fleetgate/fleetgate/operator/internal/edition"
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
	// graph is what was rendered last, config what became of it, and edition what tells
	// that from the ones before.
	graph   *graph.Graph
	config  proxyconfig.Config
	edition *edition.Edition
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

// Config is the function Config. The lists of routes and backends are those of the time
// before, in which what differs was replaced: they hold until the next call, and must not
// be changed. The same graph is the same configuration.
func (m *Memory) Config(g *graph.Graph) proxyconfig.Config {
	if g.Gateway == nil {
		return proxyconfig.Config{}
	}
	if g == m.graph {
		return m.config
	}
	r := m.revise(g)
	out := proxyconfig.Config{
		Listeners: r.allListeners(),
		Tracing:   tracing(g.Tracing),
		Settings:  settings(g.Gateway.Parameters.Spec.Proxy),
	}
	out.Routes = r.allRoutes()
	out.Backends = r.allBackends(ownReferences(out.Listeners, out.Tracing))
	m.edition = r.editionOf(&out)
	m.graph, m.config = g, out
	return out
}

// Edition tells what Config has returned last from what it did before; nil before it has
// returned anything.
func (m *Memory) Edition() *edition.Edition { return m.edition }

func (m *Memory) revise(g *graph.Graph) *revision {
	if m.graph == nil {
		m.graph, m.tallies = &graph.Graph{}, make(tallies)
	}
	return &revision{
		Memory: m, next: g, rules: make(map[*graph.Rule][]proxyconfig.Rule), before: make(map[string]use),
		routeChanges:   differences[proxyconfig.Route]{order: edition.Routes},
		backendChanges: differences[proxyconfig.Backend]{order: edition.Backends},
	}
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

	sameListeners  bool
	routeChanges   differences[proxyconfig.Route]
	backendChanges differences[proxyconfig.Backend]
}

// allListeners are those of before where a Gateway was taken over: it is the same node
// as long as its listeners are what they were.
func (r *revision) allListeners() []proxyconfig.Listener {
	if r.sameListeners = r.graph.Gateway == r.next.Gateway; r.sameListeners {
		return r.config.Listeners
	}
	return listeners(r.next.Gateway.AllListeners())
}

// editionOf is the edition before where nothing differs.
func (r *revision) editionOf(out *proxyconfig.Config) *edition.Edition {
	if r.edition == nil || r.routeChanges.many || r.backendChanges.many {
		return edition.New()
	}
	differs := &proxyconfig.Config{Routes: r.routeChanges.items(), Backends: r.backendChanges.items()}
	if !r.sameListeners {
		differs.Listeners = slices.Concat(r.config.Listeners, out.Listeners)
	}
	if len(differs.Listeners)+len(differs.Routes)+len(differs.Backends) == 0 &&
		reflect.DeepEqual(r.config.Tracing, out.Tracing) && reflect.DeepEqual(r.config.Settings, out.Settings) {
		return r.edition
	}
	return r.edition.Next(differs)
}

func (r *revision) allRoutes() []proxyconfig.Route {
	if slices.Equal(r.graph.Routes, r.next.Routes) {
		return r.config.Routes
	}
	walk := r.routes.Next(len(r.next.Routes), graph.CompareRoutes)
	walk.Left = r.leave
	for _, node := range r.next.Routes {
		walk.At(node, r.route)
	}
	r.routes.Keep(walk)
	return r.routeChanges.applied(r.config.Routes, func(list []proxyconfig.Route) []proxyconfig.Route {
		for known := range r.routes.Values() {
			if known.route != nil {
				list = append(list, *known.route)
			}
		}
		return list
	})
}

func (r *revision) route(node *graph.Route) *renderedRoute {
	out := &renderedRoute{route: route(node, r.rulesOf)}
	if out.route != nil {
		out.leads = referencesOf(out.route)
		r.count(out.leads, 1)
		r.routeChanges.came(out.route)
	}
	return out
}

func (r *revision) leave(node *graph.Route, old *renderedRoute) {
	r.count(old.leads, -1)
	if old.route == nil {
		return
	}
	r.routeChanges.went(old.route)
	if len(node.Rules) > 0 {
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
		r.backendChanges.many = true
	} else if slices.Equal(r.graph.Backends, r.next.Backends) && maps.Equal(own, r.own) && r.sameUses() {
		return r.config.Backends
	}
	r.around, r.own = around, own
	walk := r.backends.Next(len(r.next.Backends), graph.CompareBackends)
	walk.Left = func(_ *graph.Backend, old *renderedBackend) { r.backendChanges.went(old.backend) }
	for _, node := range r.next.Backends {
		r.renew(node, walk.At(node, newBackend))
	}
	r.backends.Keep(walk)
	return r.backendChanges.applied(r.config.Backends, func(list []proxyconfig.Backend) []proxyconfig.Backend {
		for known := range r.backends.Values() {
			if known.backend != nil {
				list = append(list, *known.backend)
			}
		}
		slices.SortFunc(list, func(a, b proxyconfig.Backend) int { return edition.Backends(&a, &b) })
		return list
	})
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

func newBackend(node *graph.Backend) *renderedBackend {
	return &renderedBackend{id: backendID(node.Key)}
}

// renew renders a backend that is new, or there for something else than before. One that
// is of no use is not rendered.
func (r *revision) renew(node *graph.Backend, known *renderedBackend) {
	used := r.tallies[known.id].use() | r.own[known.id]
	if used == known.used {
		return
	}
	r.backendChanges.went(known.backend)
	known.used, known.backend = used, nil
	if used != 0 {
		known.backend = r.around.backend(node, known.id, used)
		r.backendChanges.came(known.backend)
	}
}
