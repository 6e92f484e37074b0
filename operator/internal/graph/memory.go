package graph

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// Memory keeps what one translation of a Gateway has found for the next one, so that
// a changed route, or a changed endpoint, does not have all others looked at again.
// What it builds is what Build builds. The zero value remembers nothing. It is for
// one Gateway and one set of Options, and not safe for concurrent use.
type Memory struct {
	// around are the resources of the translation before, without its routes.
	around   *store.Resources
	backends map[BackendKey]*resolution
	routes   map[types.NamespacedName]*remembered
	// gateway is what the routes were attached to, attached are all of them in order,
	// and writing is what they have written. The gateway is nil when another one is
	// to be made in any case.
	gateway  *Gateway
	attached []*Route
	// spareRoutes and spareBackends, which may be nil, are the lists that came before
	// attached and resolved: memory for the next ones.
	spareRoutes   []*Route
	spareBackends []*Backend
	// graph is what was built last.
	graph   *Graph
	writing writing
	// uses counts for each of the backends what looks at it, and resolved are those
	// of them that can be served, in order.
	uses     map[BackendKey]int
	resolved []*Backend
}

// remembered is a route before it is attached to anything.
type remembered struct {
	stamp stamp
	route Route
	// leads are the backends that were looked at for it.
	leads []BackendKey
}

// stamp tells one state of an object from all others. Nothing that no API server has
// stored has one.
type stamp struct {
	uid        types.UID
	version    string
	generation int64
}

func stampOf(o metav1.Object) stamp {
	return stamp{o.GetUID(), o.GetResourceVersion(), o.GetGeneration()}
}

func (s stamp) same(o metav1.Object) bool {
	return s.version != "" && s.version == o.GetResourceVersion() && s.uid == o.GetUID()
}

// sameSpec says whether at most the status differs, and what of the metadata no route
// depends on. API servers count the generations of specs.
func (s stamp) sameSpec(o metav1.Object) bool {
	return s.same(o) || s.generation > 0 && s.generation == o.GetGeneration() && s.uid == o.GetUID()
}

// Build is the function Build. Where nothing has changed but statuses it returns the
// same graph as before, with the present objects in it. The lists of routes and backends of
// a graph hold until the next one but one is built.
func (m *Memory) Build(in *store.Resources, opts Options) *Graph {
	if m.renew(in) {
		return m.graph
	}
	r := &recall{before: m, in: in}
	if m.around != nil {
		r.changes = in.Since(m.around.Edition)
	}
	if r.changes == nil && in.Followed() {
		// The maps of what is remembered were changed since.
		*m = Memory{}
	}
	// Changes that are followed are of routes, Services and ListenerSets alone. The Secrets
	// of one that joins are those that nothing has referred to before.
	r.idle = r.changes == nil && !sameAround(m.around, in)
	g, backends := build(in, opts, r)
	around := *in
	around.HTTPRoutes, around.GRPCRoutes, around.L4Routes, around.Detached = nil, nil, nil, nil
	r.after.around, r.after.backends = &around, backends
	r.after.attached, r.after.resolved, r.after.graph = g.Routes, g.Backends, g
	if !onlyHTTPRoutes(in) {
		r.after.gateway = nil
	}
	if r.after.uses == nil {
		r.after.uses = usesOf(g.Routes)
	}
	*m = r.after
	return g
}

// renew brings the graph up to date if nothing but statuses has changed since it was
// built.
func (m *Memory) renew(in *store.Resources) bool {
	if m.graph == nil || m.graph.Gateway == nil {
		return false
	}
	changes := in.Since(m.around.Edition)
	if changes == nil || !changes.None() {
		return false
	}
	for _, key := range changes.Statuses {
		if at, known := findRoute(m.graph.Routes, key); known {
			m.graph.Routes[at].Meta = store.MetaOf(in.Route(key))
		}
	}
	m.graph.Gateway.renewSets(in.ListenerSets, changes)
	m.graph.Gateway.Source = in.Gateway
	m.around.Gateway, m.around.Edition = in.Gateway, in.Edition
	return true
}
