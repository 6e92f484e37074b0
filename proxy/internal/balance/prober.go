package balance

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// prober is how a Registry and its Clusters talk to whoever probes endpoints.
// A nil prober does nothing.
type prober struct {
	running atomic.Bool
	changed chan struct{}

	mu sync.Mutex
	// noted are the Clusters of which something has changed, and nobody has seen that.
	noted map[*Cluster]bool
}

func newProber() *prober {
	return &prober{changed: make(chan struct{}, 1), noted: map[*Cluster]bool{}}
}

// grace is how long whoever probes is given.
func (p *prober) grace() int64 {
	if p != nil && p.running.Load() {
		return int64(probeGrace)
	}
	return 0
}

// grace is how long a request holds back its own trial of an endpoint.
func (c *Cluster) grace() int64 {
	if !c.Policy().Probed() {
		return 0
	}
	return c.prober.grace()
}

// note tells that endpoints of a Cluster changed or that one was ejected. Where nobody
// probes, nobody is to be told.
func (p *prober) note(c *Cluster) {
	if p == nil || !p.running.Load() {
		return
	}
	p.mu.Lock()
	p.noted[c] = true
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// StartProbing gives the readmission of ejected endpoints to the caller, of whom
// there is one at a time, until stop is called. The channel receives something
// whenever there may be another endpoint to look after: see Changed.
func (r *Registry) StartProbing() (changed <-chan struct{}, stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prober.running.Store(true)
	for _, c := range r.clusters {
		r.prober.note(c)
	}
	return r.prober.changed, func() { r.prober.running.Store(false) }
}

// Changed returns the Clusters of which, since the last call or StartProbing, endpoints
// have changed or one was ejected. Of those that are dropped all endpoints are gone.
func (r *Registry) Changed() []*Cluster {
	p := r.prober
	p.mu.Lock()
	defer p.mu.Unlock()
	clusters := slices.Collect(maps.Keys(p.noted))
	clear(p.noted)
	return clusters
}
