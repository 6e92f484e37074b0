package balance

import (
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// Options of a Registry. The zero value is what a proxy in a cluster uses.
type Options struct {
	// AllowLoopback permits endpoints on loopback addresses, for a proxy that
	// runs beside its backends on one machine.
	AllowLoopback bool
	// Zone is the proxy's own; empty where it is not known, which prefers none.
	Zone string
}

// Registry holds the Clusters of a proxy by ID. It is safe for concurrent use,
// but Prepare and Commit belong to one goroutine: whoever applies
// configurations.
type Registry struct {
	options Options
	prober  *prober

	resolver *resolver

	mu       sync.Mutex
	clusters map[string]*Cluster
	// current is the Change that was committed last.
	current *Change
	// external are the backends of the Clusters whose endpoints come from a name.
	external map[*Cluster]*proxyconfig.Backend
	names    map[string]*name
	// probes gives each ID an identifier for the sensor. One is never used for
	// something else within a process: the sensor's counters go on.
	probes map[string]uint32
}

// NewRegistry returns an empty Registry.
func NewRegistry(o Options) *Registry {
	return &Registry{
		options: o, prober: newProber(), resolver: newResolver(),
		clusters: map[string]*Cluster{}, external: map[*Cluster]*proxyconfig.Backend{},
		names: map[string]*name{}, probes: map[string]uint32{},
	}
}

// Change is a set of endpoints that was prepared and waits for Commit.
type Change struct {
	registry *Registry
	// clusters are those of the backends that were given, by ID, and gone the IDs of
	// those that are no more.
	clusters map[string]*Cluster
	gone     []string
	sets     map[*Cluster]*endpointSet
	external map[*Cluster]*proxyconfig.Backend
	refused  []proxyconfig.RefusedItem
}

// Prepare makes the Clusters of a configuration: what the Registry has beside them is
// gone. Until Commit, Clusters that exist already keep their endpoints, so that requests
// on the snapshot before still find theirs; one that has no endpoint gets its new ones
// at once.
//
// Names of external backends that are new are waited for, a moment at most.
func (r *Registry) Prepare(backends []*proxyconfig.Backend) *Change {
	ch := r.Amend(backends, nil)
	for id := range r.clusters {
		if ch.clusters[id] == nil {
			ch.gone = append(ch.gone, id)
		}
	}
	return ch
}

// Amend is Prepare for a configuration that has other backends in place of some, and
// lacks those whose IDs are given as gone.
func (r *Registry) Amend(backends []*proxyconfig.Backend, gone []string) *Change {
	r.awaitNames(backends)
	r.mu.Lock()
	defer r.mu.Unlock()
	ch := &Change{
		registry: r,
		clusters: make(map[string]*Cluster, len(backends)),
		gone:     gone,
		sets:     make(map[*Cluster]*endpointSet, len(backends)),
		external: make(map[*Cluster]*proxyconfig.Backend),
	}
	for _, b := range backends {
		c, ok := r.clusters[b.ID]
		if !ok {
			c = &Cluster{ID: b.ID, Namespace: b.Namespace, Service: b.Service, Port: b.Port, Probe: r.probe(b.ID), prober: r.prober}
		}
		ch.clusters[b.ID] = c
		set := ch.endpoints(c, b)
		if c.endpoints().empty() {
			c.swap(set)
		}
		ch.sets[c] = set
		if b.External != nil {
			ch.external[c] = b
		}
	}
	return ch
}

// probe returns the sensor's identifier of a backend; zero once all are used.
func (r *Registry) probe(id string) uint32 {
	p, ok := r.probes[id]
	if !ok && len(r.probes)+1 < probe.MaxSeries {
		p = uint32(len(r.probes) + 1)
		r.probes[id] = p
	}
	return p
}

// endpoints makes the new set of a Cluster out of the endpoints it has and
// those that are new. Addresses that are not to be dialled are refused alone.
// Those of a name are never: it is not the configuration's fault where it leads.
func (ch *Change) endpoints(c *Cluster, b *proxyconfig.Backend) *endpointSet {
	if b.External != nil {
		return ch.registry.endpointSet(c, b, ch.registry.externalEndpoints(b), func(error) {})
	}
	return ch.registry.endpointSet(c, b, b.Endpoints, func(err error) {
		ch.refused = append(ch.refused, proxyconfig.RefusedItem{Kind: proxyconfig.KindBackend, Name: b.ID, Reason: err.Error()})
	})
}

func (r *Registry) endpointSet(c *Cluster, b *proxyconfig.Backend, list []proxyconfig.Endpoint, refuse func(error)) *endpointSet {
	before := c.endpoints()
	old := before.byAddress()
	set := &endpointSet{policy: policyOf(b)}
	seen := make(map[netip.AddrPort]bool, len(list))
	for i := range list {
		addr, err := list[i].AddrPort()
		if err == nil {
			err = r.Permit(addr.Addr())
		}
		if err != nil {
			refuse(err)
			continue
		}
		if seen[addr] {
			continue
		}
		seen[addr] = true
		e, ok := old[addr]
		if !ok {
			e = &Endpoint{Addr: addr, Cluster: c}
			// The first endpoints of all have nobody to leave their share to.
			if !before.empty() && set.policy.slowStart > 0 {
				e.warmSince.Store(warmupPending)
			}
		}
		set.add(e, &list[i], r.options.Zone)
	}
	set.buildTable(before)
	return set
}

// Refused are the endpoints that were left out.
func (ch *Change) Refused() []proxyconfig.RefusedItem { return ch.refused }

// Cluster returns the Cluster of an ID that was given, or nil.
func (ch *Change) Cluster(id string) *Cluster { return ch.clusters[id] }

// Commit makes the new endpoints those in use and drops the Clusters that the
// configuration no longer names. It is called once the snapshot that was
// compiled with the Change serves, and does nothing for the Change that is in use. A request that still holds an older snapshot
// keeps the endpoints of a dropped Cluster.
func (ch *Change) Commit() {
	r := ch.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == ch {
		return
	}
	r.current = ch
	for c, set := range ch.sets {
		if b := ch.external[c]; b != nil {
			// The name may lead elsewhere since Prepare.
			set = ch.endpoints(c, b)
		}
		r.replace(c, set)
	}
	for id, c := range ch.clusters {
		r.enter(id, c, ch.external[c])
	}
	for _, id := range ch.gone {
		r.drop(id)
	}
	ch.sets = nil
	r.forgetNames()
}

// replace gives a Cluster its new endpoints.
func (r *Registry) replace(c *Cluster, set *endpointSet) {
	markGone(c.endpoints(), set)
	c.swap(set)
	r.prober.note(c)
}

func (r *Registry) enter(id string, c *Cluster, external *proxyconfig.Backend) {
	r.clusters[id] = c
	if external != nil {
		r.external[c] = external
	} else {
		delete(r.external, c)
	}
}

func (r *Registry) drop(id string) {
	if c := r.clusters[id]; c != nil {
		markGone(c.endpoints(), noEndpoints)
		r.prober.note(c)
		delete(r.external, c)
		delete(r.clusters, id)
	}
}

// markGone marks the endpoints of old that are not in set.
func markGone(old, set *endpointSet) {
	kept := set.byAddress()
	for addr, e := range old.byAddress() {
		if kept[addr] != e {
			e.gone.Store(true)
		}
	}
}

// Counts sums the endpoints of all Clusters at the time now.
func (r *Registry) Counts(now int64) Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	var sum Counts
	for _, c := range r.clusters {
		n := c.Counts(now)
		sum.Active += n.Active
		sum.Terminating += n.Terminating
		sum.Ejected += n.Ejected
	}
	return sum
}

// Clusters returns those in use.
func (r *Registry) Clusters() []*Cluster {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.clusters))
}
