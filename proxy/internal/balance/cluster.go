package balance

import (
	"net/netip"
	"sync/atomic"
)

// Cluster is one port of a Service with its endpoints. One Cluster serves all
// routes that name it, and lives on across snapshots, so that what was learned
// of an endpoint is known to every route and outlives a change of
// configuration. It is safe for concurrent use.
type Cluster struct {
	// ID is "<namespace>/<service>:<port>".
	ID                 string
	Namespace, Service string
	Port               int32
	// Probe is the backend's identifier for the sensor.
	Probe uint32

	set  atomic.Pointer[endpointSet]
	next atomic.Uint64
}

// endpointSet is the immutable list that Pick reads.
type endpointSet struct {
	// active are used first, terminating ones only when active is empty.
	active, terminating []*Endpoint
}

// noEndpoints is what a Cluster has before it is given any.
var noEndpoints = &endpointSet{}

func (c *Cluster) endpoints() *endpointSet {
	if set := c.set.Load(); set != nil {
		return set
	}
	return noEndpoints
}

// Pick returns the endpoint for the next request, or nil when there is none.
// now is the caller's monotonic clock in nanoseconds. Endpoints take turns;
// those that are ejected are passed over, unless all of them are: then a
// request is better spent on a doubtful endpoint than refused. Terminating
// endpoints are used only where no other is left (KEP-1669).
func (c *Cluster) Pick(now int64) *Endpoint {
	set := c.endpoints()
	list := set.active
	if len(list) == 0 {
		list = set.terminating
	}
	n := uint64(len(list))
	if n == 0 {
		return nil
	}
	start := c.next.Add(1)
	for i := range n {
		if e := list[(start+i)%n]; e.admit(now) {
			return e
		}
	}
	return list[start%n]
}

// Counts are the endpoints of a Cluster by state. An ejected endpoint is
// counted as such and not as active.
type Counts struct {
	Active, Terminating, Ejected int
}

// Counts returns how many endpoints there are at the time now.
func (c *Cluster) Counts(now int64) Counts {
	set := c.endpoints()
	counts := Counts{Terminating: len(set.terminating)}
	for _, e := range set.active {
		if e.ejectedUntil.Load() > now {
			counts.Ejected++
		} else {
			counts.Active++
		}
	}
	return counts
}

// byAddress maps the endpoints of a set.
func (s *endpointSet) byAddress() map[netip.AddrPort]*Endpoint {
	m := make(map[netip.AddrPort]*Endpoint, len(s.active)+len(s.terminating))
	for _, list := range [][]*Endpoint{s.active, s.terminating} {
		for _, e := range list {
			m[e.Addr] = e
		}
	}
	return m
}

func (s *endpointSet) empty() bool { return len(s.active)+len(s.terminating) == 0 }
