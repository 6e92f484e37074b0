package balance

import (
	"math/bits"
	"slices"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// maxSkips bounds how many turns one request gives away before it looks through
// the whole list.
const maxSkips = 16

// byAlgorithm returns nil where it finds no endpoint that is well and new to the
// request.
func (c *Cluster) byAlgorithm(set *endpointSet, list []*Endpoint, r *Request) *Endpoint {
	var e *Endpoint
	switch set.policy.algorithm {
	case proxyconfig.LeastRequest:
		e = betterOfTwo(list, r, (*Endpoint).queued)
	case proxyconfig.PeakEWMA:
		e = betterOfTwo(list, r, (*Endpoint).wait)
	case proxyconfig.ConsistentHash:
		if set.table != nil && r.Hash != 0 {
			e = set.table.find(r)
		}
	}
	if e != nil {
		return e
	}
	return c.rotate(list, r)
}

// rotate lets endpoints take turns. One that is passed over gives its turn back
// to all the others: the next turn is drawn, and not the neighbour's taken, who
// would have twice its share otherwise. An endpoint that warms up takes as many
// of its turns as it is warm, spread evenly by the golden walk of Split.
func (c *Cluster) rotate(list []*Endpoint, r *Request) *Endpoint {
	n := uint64(len(list))
	turn := c.next.Add(1)
	for range min(maxSkips, n) {
		if e := list[turn%n]; e.takesTurn(r.Now, turn/n+turn%n) && r.accepts(e) {
			return e
		}
		turn = c.next.Add(1)
	}
	for i := range n {
		if e := list[(turn+i)%n]; r.accepts(e) {
			return e
		}
	}
	return nil
}

// lastResort is for when no endpoint is both well and new to the request: one
// that is well comes before one that is not, and a new one before one that was
// tried.
func (c *Cluster) lastResort(list []*Endpoint, r *Request) *Endpoint {
	n := uint64(len(list))
	turn := c.doubtful.Add(1)
	other := list[turn%n]
	for i := range n {
		e := list[(turn+i)%n]
		if e.well() {
			return e
		}
		if slices.Contains(r.Tried, other) {
			other = e
		}
	}
	return other
}

// accepts says whether the request may go to the endpoint. If so, it must: the
// request may have become the trial of an endpoint.
func (r *Request) accepts(e *Endpoint) bool {
	return !slices.Contains(r.Tried, e) && e.admit(r.Now)
}

// betterOfTwo draws two endpoints and takes the one with the lower cost. That
// is nearly as good as the best of all, and unlike it never sends everyone to
// the same endpoint at once (Mitzenmacher, The Power of Two Choices).
func betterOfTwo(list []*Endpoint, r *Request, cost func(e *Endpoint, now int64) float64) *Endpoint {
	n := uint64(len(list))
	random := r.Random
	for range 4 {
		random = mix(random + golden)
		i, _ := bits.Mul64(random, n)
		a := list[i]
		b := a
		if n > 1 {
			// The second draw is among the others, so that two are always compared.
			j, _ := bits.Mul64(mix(random), n-1)
			b = list[(i+1+j)%n]
		}
		if b.well() && (!a.well() || cost(b, r.Now) < cost(a, r.Now)) {
			a, b = b, a
		}
		// The trial of an endpoint whose ejection has run out comes first, or
		// nobody would find out that it is well again.
		if !b.well() && r.accepts(b) {
			return b
		}
		if r.accepts(a) {
			return a
		}
		if r.accepts(b) {
			return b
		}
	}
	return nil
}

// queued is the cost for LeastRequest.
func (e *Endpoint) queued(now int64) float64 {
	return float64(e.inFlight.Load()+1) / e.warmth(now)
}

// wait is the cost for PeakEWMA. An endpoint that has not answered yet gets one
// request and then waits until it did, whatever the others cost.
func (e *Endpoint) wait(now int64) float64 {
	n := float64(e.inFlight.Load())
	latency, known := e.latency.at(now)
	if !known {
		return n * unknownLatency
	}
	return latency * (n + 1) / e.warmth(now)
}
