package balance

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// endpointSet is what Choose reads: a policy and the endpoints it applies to. It
// is immutable but for preferLocal, and homes, which the first session that needs
// them makes.
type endpointSet struct {
	policy *Policy
	// active are used first, terminating ones only when active is empty.
	active, terminating []*Endpoint
	// local are the active ones in the proxy's zone, where the policy prefers it.
	local []*Endpoint
	// preferLocal is set while enough of local are well.
	preferLocal atomic.Bool
	// homes are those of sessions by their address, for at alone.
	homes    map[netip.AddrPort]*Endpoint
	mapHomes sync.Once
	// table is set for ConsistentHash alone.
	table *hashTable
}

// noEndpoints is what a Cluster has before it is given any.
var noEndpoints = &endpointSet{policy: defaultPolicy}

// add puts an endpoint into its lists.
func (s *endpointSet) add(e *Endpoint, in *proxyconfig.Endpoint, zone string) {
	if in.Terminating {
		s.terminating = append(s.terminating, e)
		return
	}
	s.active = append(s.active, e)
	if s.policy.prefersZone && zone != "" && in.Zone == zone {
		s.local = append(s.local, e)
	}
}

// candidates are the endpoints that the algorithm looks at.
func (s *endpointSet) candidates() []*Endpoint {
	switch {
	case len(s.active) == 0:
		return s.terminating
	case s.preferLocal.Load():
		return s.local
	}
	return s.active
}

// home returns the endpoint of the request's session, in whatever zone, or nil
// where there is none that takes the request. A terminating endpoint is left while
// there is time, as its connections may end with any request.
func (s *endpointSet) home(r *Request) *Endpoint {
	if !r.Prefer.IsValid() {
		return nil
	}
	if e := s.at(r.Prefer); e != nil && r.accepts(e) {
		return e
	}
	return nil
}

// few endpoints are looked through sooner than a map is.
const few = 16

// at returns the endpoint that sessions at home at an address go to, or nil.
func (s *endpointSet) at(addr netip.AddrPort) *Endpoint {
	list := s.active
	if len(list) == 0 {
		list = s.terminating
	}
	if len(list) > few {
		s.mapHomes.Do(func() { s.homes = byAddress(list) })
		return s.homes[addr]
	}
	for _, e := range list {
		if e.Addr == addr {
			return e
		}
	}
	return nil
}

// review looks again whether the zone has enough endpoints that are well. It is
// called, with the Cluster's lock held, whenever one is taken out or in.
func (s *endpointSet) review() {
	well := 0
	for _, e := range s.local {
		if e.well() {
			well++
		}
	}
	s.preferLocal.Store(well > 0 && well*100 >= s.policy.minHealthyInZonePc*len(s.local))
}

// mayEject says whether one more endpoint may be taken out.
func (s *endpointSet) mayEject() bool {
	out := 0
	for _, e := range s.active {
		if e.ejectedUntil.Load() != 0 {
			out++
		}
	}
	return out < max(1, len(s.active)*s.policy.maxEjectedPercent/100)
}

// buildTable makes the table for ConsistentHash, or takes it over from the set
// before where the endpoints are the same.
func (s *endpointSet) buildTable(before *endpointSet) {
	if s.policy.hash.Source == "" || len(s.active) == 0 {
		return
	}
	if before.table != nil && slices.Equal(before.active, s.active) {
		s.table = before.table
		return
	}
	s.table = newHashTable(s.active)
}

// byAddress maps the endpoints of a set.
func (s *endpointSet) byAddress() map[netip.AddrPort]*Endpoint {
	return byAddress(s.active, s.terminating)
}

func byAddress(lists ...[]*Endpoint) map[netip.AddrPort]*Endpoint {
	m := map[netip.AddrPort]*Endpoint{}
	for _, list := range lists {
		for _, e := range list {
			m[e.Addr] = e
		}
	}
	return m
}

func (s *endpointSet) empty() bool { return len(s.active)+len(s.terminating) == 0 }

// swap puts a new set in place of the one before. A policy that ejects nothing
// ends the ejections that there are.
func (c *Cluster) swap(set *endpointSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !set.policy.ejects {
		for _, e := range set.active {
			e.ejectedUntil.Store(0)
			e.ejections.Store(0)
		}
	}
	set.review()
	c.set.Store(set)
}
