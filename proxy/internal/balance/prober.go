package balance

import "sync/atomic"

// prober is how a Registry and its Clusters talk to whoever probes endpoints.
// A nil prober does nothing.
type prober struct {
	running atomic.Bool
	changed chan struct{}
}

func newProber() *prober { return &prober{changed: make(chan struct{}, 1)} }

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

// notify tells that endpoints changed or one was ejected. Several that were not
// seen yet become one.
func (p *prober) notify() {
	if p == nil {
		return
	}
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// StartProbing gives the readmission of ejected endpoints to the caller, of whom
// there is one at a time, until stop is called. The channel receives something
// whenever there may be another endpoint to look after.
func (r *Registry) StartProbing() (changed <-chan struct{}, stop func()) {
	r.prober.running.Store(true)
	r.prober.notify()
	return r.prober.changed, func() { r.prober.running.Store(false) }
}
