package balance

import (
	"net/netip"
	"sync"
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

	set atomic.Pointer[endpointSet]
	// prober is shared with the Registry; nil means that nobody probes.
	prober *prober
	// mu is held while an endpoint is taken out or in, which is rare, so that
	// those who do it see each other. Requests never wait for it.
	mu sync.Mutex

	// What requests write has cache lines of its own, apart from what they read.
	_    cacheLine
	next atomic.Uint64
	// doubtful counts the turns of lastResort.
	doubtful atomic.Uint64
	_        cacheLine
	load     load
	_        cacheLine
}

type cacheLine [64]byte

// Request is what Choose needs to know of a request. The caller keeps one per
// request, so that choosing allocates nothing.
type Request struct {
	// Now is the caller's monotonic clock in nanoseconds.
	Now int64
	// Random is any number from the caller's own generator.
	Random uint64
	// Hash is HashKey of what Policy.HashOn names, or zero where the request
	// lacks it.
	Hash uint64
	// Prefer is where the request's session is at home; the zero AddrPort is for a
	// request that belongs to none.
	Prefer netip.AddrPort
	// Tried are the endpoints that had this request already. Others come first.
	Tried []*Endpoint
}

// Refusal is why Choose returned no endpoint.
type Refusal uint8

// The reasons. Both are answered 503.
const (
	NotRefused Refusal = iota
	// NoEndpoints is a Service without endpoints.
	NoEndpoints
	// CircuitOpen is a Service with as many requests in flight as it may have.
	CircuitOpen
)

// Policy returns the policy in force. It may be another one after a change of
// configuration.
func (c *Cluster) Policy() *Policy { return c.endpoints().policy }

func (c *Cluster) endpoints() *endpointSet {
	if set := c.set.Load(); set != nil {
		return set
	}
	return noEndpoints
}

// Pick is Choose for a request of which only the time is known. It returns nil
// where there is no endpoint.
func (c *Cluster) Pick(now int64) *Endpoint {
	r := Request{Now: now}
	e, _ := c.Choose(&r)
	return e
}

// Choose returns the endpoint for the next request or attempt: the one that its
// session is at home at, or else one by the algorithm of the policy. It passes over endpoints that are ejected, that a
// health check took out, or that have had this request; but where nothing else
// is left, a request is better spent on a doubtful endpoint than refused.
// Terminating endpoints are used only where no other is left (KEP-1669).
func (c *Cluster) Choose(r *Request) (*Endpoint, Refusal) {
	set := c.endpoints()
	if c.load.requests.Load() >= set.policy.maxRequests {
		return nil, CircuitOpen
	}
	list := set.candidates()
	if len(list) == 0 {
		return nil, NoEndpoints
	}
	if e := set.home(r); e != nil {
		return e, NotRefused
	}
	if e := c.byAlgorithm(set, list, r); e != nil {
		return e, NotRefused
	}
	// The proxy's zone has nothing left for this request, but others may.
	if len(list) < len(set.active) {
		if e := c.rotate(set.active, r); e != nil {
			return e, NotRefused
		}
	}
	return c.lastResort(list, r), NotRefused
}

// Counts are the endpoints of a Cluster by state. One that is ejected, or that
// a health check took out, is counted as Ejected and not as Active.
type Counts struct {
	Active, Terminating, Ejected int
}

// Counts returns how many endpoints there are at the time now.
func (c *Cluster) Counts(now int64) Counts {
	set := c.endpoints()
	counts := Counts{Terminating: len(set.terminating)}
	for _, e := range set.active {
		if e.unhealthy.Load() || e.ejectedUntil.Load() > now {
			counts.Ejected++
		} else {
			counts.Active++
		}
	}
	return counts
}

// Endpoints returns those that are not terminating. The slice must not be
// changed.
func (c *Cluster) Endpoints() []*Endpoint { return c.endpoints().active }
