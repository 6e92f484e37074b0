package balance

import "time"

// probeGrace is how long after the end of an ejection a request waits for the
// prober to find out how the endpoint is, before it does so itself.
const probeGrace = 5 * time.Second

// admit says whether the endpoint may be picked. Where an ejection has run out
// and no prober saw to it, it admits one caller and passes over the endpoint for
// another while, so that a backend that is still down costs one request and not
// a burst.
func (e *Endpoint) admit(now int64) bool {
	until := e.ejectedUntil.Load()
	if until == 0 {
		return !e.unhealthy.Load()
	}
	if e.unhealthy.Load() || until+e.Cluster.grace() > now {
		return false
	}
	if !e.ejectedUntil.CompareAndSwap(until, now+e.Cluster.Policy().baseEjection) {
		return false
	}
	e.trial.Store(true)
	return true
}

// Failed tells that the endpoint did not take a connection at the time now, and
// ejects it. What fails while the endpoint is ejected already was picked before,
// and says nothing new.
func (e *Endpoint) Failed(now int64) { e.eject(now, false) }

// Succeeded tells that the endpoint took a connection. That readmits it, unless
// it was ejected for its answers.
func (e *Endpoint) Succeeded() {
	if e.ejections.Load() != 0 && !e.byAnswers.Load() {
		e.Readmit()
	}
}

// EjectedUntil returns the time at which the ejection ends and the endpoint may
// be probed, or zero when it is not ejected.
func (e *Endpoint) EjectedUntil() int64 { return e.ejectedUntil.Load() }

// Readmit ends an ejection: the endpoint was probed and is well. An endpoint
// that was ejected for its answers has to give a good one before its next
// ejection is a short one again.
func (e *Endpoint) Readmit() {
	c := e.Cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	e.trial.Store(false)
	e.errors.Store(0)
	if !e.byAnswers.Load() {
		e.ejections.Store(0)
	}
	if e.ejectedUntil.Swap(0) == 0 {
		return
	}
	e.warmUp()
	c.endpoints().review()
}

// relapse is within how many times the shortest ejection another one is a relapse.
const relapse = 10

// MayRecover says whether the endpoint, which is ejected, comes back as soon as it takes
// connections. One that was ejected for its answers does not, and neither does one that
// was back that way only just now: whoever connects with it may find nothing wrong.
func (e *Endpoint) MayRecover() bool { return e.recovers.Load() }

// Recover tells that the endpoint took a probe's connection at the time now, before its
// ejection was over, and readmits it where that is enough.
func (e *Endpoint) Recover(now int64) {
	if e.MayRecover() {
		e.recovered.Store(now)
		e.Readmit()
	}
}

// SetHealthy takes the endpoint out, or in again, by an active health check.
func (e *Endpoint) SetHealthy(healthy bool) {
	c := e.Cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.unhealthy.Swap(!healthy) != healthy {
		return
	}
	if healthy {
		e.warmUp()
	}
	c.endpoints().review()
}

func (e *Endpoint) warmUp() {
	if e.Cluster.Policy().slowStart > 0 {
		e.warmSince.Store(warmupPending)
	}
}

// answered learns from a response below 500.
func (e *Endpoint) answered() {
	if e.errors.Load() != 0 {
		e.errors.Store(0)
	}
	if e.ejections.Load() == 0 {
		return
	}
	if e.trial.Load() {
		e.Readmit()
	}
	if e.ejectedUntil.Load() == 0 {
		e.ejections.Store(0)
	}
}

// erred learns from a response of 500 and above, and from none.
func (e *Endpoint) erred(now int64, o Outcome) {
	if e.trial.Load() {
		if o == ServerError && !e.byAnswers.Load() {
			e.Readmit() // it was ejected for its connections, and has one
			return
		}
		e.eject(now, true)
		return
	}
	limit := e.Cluster.Policy().consecutiveErrors
	if limit > 0 && e.errors.Add(1) >= limit {
		e.eject(now, true)
	}
}

// eject passes over the endpoint for a while, which doubles each time in a row.
func (e *Endpoint) eject(now int64, byAnswers bool) {
	if e.ejectedUntil.Load() > now && !e.trial.Load() {
		return
	}
	c := e.Cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	set := c.endpoints()
	until := e.ejectedUntil.Load()
	if until > now && !e.trial.Load() || !set.policy.ejects || until == 0 && !set.mayEject() {
		return
	}
	e.trial.Store(false)
	e.errors.Store(0)
	e.byAnswers.Store(byAnswers)
	recovered := e.recovered.Load()
	e.recovers.Store(!byAnswers && (recovered == 0 || now-recovered > relapse*set.policy.baseEjection))
	e.ejectedUntil.Store(now + set.policy.ejection(e.ejections.Add(1)))
	set.review()
	c.prober.note(c)
}

// ejection is the time of the n-th ejection in a row.
func (p *Policy) ejection(n uint32) int64 {
	if doublings := n - 1; doublings < 32 && p.baseEjection<<doublings>>doublings == p.baseEjection {
		return min(p.longestEjection, p.baseEjection<<doublings)
	}
	return p.longestEjection
}
