package balance

import "sync/atomic"

// load counts what one proxy asks of a Cluster at the moment.
type load struct {
	requests    atomic.Int64
	connections atomic.Int64
	pending     atomic.Int64
	retries     atomic.Int64
	// lackedAt is when a connection was lacked last.
	lackedAt atomic.Int64
	// retriesAt is the time up to which the minimum rate of retries is used up.
	retriesAt atomic.Int64
	// windows is nil until a policy with an interval counts something.
	windows atomic.Pointer[windows]
}

// windows count what a policy's interval is for: few backends have one.
type windows struct {
	// recent are the attempts that have ended, and retries those that were allowed.
	recent, retries window
}

func (l *load) recently() *windows {
	for {
		if w := l.windows.Load(); w != nil {
			return w
		}
		l.windows.CompareAndSwap(nil, &windows{})
	}
}

// Connect asks for a connection, which counts from the moment that it is being
// opened. It returns false where the Cluster has as many as it may have. Each
// true is to be followed by one Disconnected.
func (e *Endpoint) Connect() bool {
	return take(&e.Cluster.load.connections, e.Cluster.Policy().maxConnections)
}

// Disconnected tells that a connection was closed, or could not be opened.
func (e *Endpoint) Disconnected() { e.Cluster.load.connections.Add(-1) }

// Lack tells that at the time now there was no connection to be had: idle ones
// are to be closed.
func (c *Cluster) Lack(now int64) { c.load.lackedAt.Store(now) }

// Lacked returns when a connection was lacked last, or zero.
func (c *Cluster) Lacked() int64 { return c.load.lackedAt.Load() }

// Queue asks for a place among the requests that wait for a connection. It
// returns false where as many wait as may; the request is answered 503 then.
// Each true is to be followed by one Dequeue.
func (c *Cluster) Queue() bool {
	return take(&c.load.pending, c.Policy().maxPending)
}

// Dequeue tells that a request waits no longer.
func (c *Cluster) Dequeue() { c.load.pending.Add(-1) }

func take(count *atomic.Int64, limit int64) bool {
	if count.Add(1) <= limit {
		return true
	}
	count.Add(-1)
	return false
}

// AllowRetry asks for another attempt at the time now. All routes share one
// budget: the policy's share of the requests, and beside it a minimum rate. Each
// true is to be followed by one RetryDone.
func (c *Cluster) AllowRetry(now int64) bool {
	p := c.Policy()
	if !c.load.retryOfShare(now, p) && !c.load.retryAtMinimumRate(now, p) {
		return false
	}
	if p.retryWindow > 0 {
		c.load.recently().retries.add(now, p.retryWindow)
	}
	return true
}

// retryOfShare takes one of the retries that are allowed for there being other
// requests. Where a window counts, those who ask at one moment may be allowed one
// more each than the share.
func (l *load) retryOfShare(now int64, p *Policy) bool {
	for {
		n, requests := l.retries.Load(), l.requests.Load()
		retries := n
		if p.retryWindow > 0 {
			w := l.recently()
			retries = w.retries.sum(now, p.retryWindow)
			requests += w.recent.sum(now, p.retryWindow)
		}
		if (retries+1)*100 > p.retryPercent*requests {
			return false
		}
		if l.retries.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// RetryDone tells that a retry has ended, however it did.
func (c *Cluster) RetryDone() { c.load.retries.Add(-1) }

// retryAtMinimumRate grants one retry per interval, up to a second's worth of
// them, or what the policy says, in advance. Each one moves retriesAt on by an
// interval.
func (l *load) retryAtMinimumRate(now int64, p *Policy) bool {
	if p.retryInterval == 0 {
		return false
	}
	for {
		before := l.retriesAt.Load()
		used := max(before, now) + p.retryInterval
		if used > now+p.retryAhead {
			return false
		}
		if l.retriesAt.CompareAndSwap(before, used) {
			l.retries.Add(1)
			return true
		}
	}
}
