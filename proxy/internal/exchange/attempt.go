package exchange

import (
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/tracing"
)

// reuse says which connections may carry a request.
type reuse uint8

const (
	// reuseAny takes an idle connection if there is one.
	reuseAny reuse = iota
	// reuseAsked takes an idle connection only after asking the kernel whether
	// the backend has closed it.
	reuseAsked
	// reuseNone always dials.
	reuseNone
)

// maxTried bounds how many of the endpoints that had a request are remembered.
const maxTried = 4

// attempt is what a request's attempt at one endpoint owes to package balance.
type attempt struct {
	endpoint *balance.Endpoint
	// began is when it began, answered when its response did. running: it has
	// not been settled.
	began, answered int64
	running         bool
	// queued: it waits for a connection. retry: it counts against the budget.
	queued, retry bool
	// tried are the endpoints that had the request.
	tried [maxTried]*balance.Endpoint
	tries int
}

// reuseFor says which connections may carry a request the first time: one that
// must not be sent twice wants a closer look at an idle connection, as it is
// not tried again once it was sent.
func reuseFor(x *exchange) reuse {
	if x.idempotent {
		return reuseAny
	}
	return reuseAsked
}

// attempt sends the request to an endpoint. While nothing was sent, another
// endpoint is as good as the one that cannot be reached.
func (x *exchange) attempt(r reuse) {
	l, a := x.loop, &x.try
	if t := x.rule.BackendTimeout; t > 0 {
		x.tryDeadline = l.now + int64(t)
		l.wakeAt(x.tryDeadline)
	}
	l.choice = balance.Request{Now: l.now, Random: l.ids.Uint64(), Hash: x.hash, Prefer: x.home, Tried: a.tried[:min(a.tries, maxTried)]}
	e, _ := x.backend.Cluster.Choose(&l.choice)
	if e == nil || x.backend.Transport.Err != nil {
		x.unavailable()
		return
	}
	a.endpoint, a.began, a.answered, a.running = e, l.now, 0, true
	a.tried[a.tries%maxTried] = e
	a.tries++
	e.Begin()
	x.recordAttempt(e)
	x.attempts++
	x.connectBy = l.now + int64(l.limits.Connect)
	if !l.connect(x, r) {
		x.exhausted()
	}
}

// exhausted answers a request for which this process cannot have a connection.
// Another endpoint would not help, nor is any of them to blame.
func (x *exchange) exhausted() {
	x.recordFault(tracing.ErrorConnect)
	x.settle(balance.Abandoned)
	x.unavailable()
}

// unavailable answers a request that no endpoint can be asked.
func (x *exchange) unavailable() {
	x.flags |= flagUpstreamFailed
	if err := x.backend.Transport.Err; err != nil {
		x.fail(502)
		return
	}
	x.fail(503)
}

// queue has the exchange wait for a connection, and reports whether it may.
func (x *exchange) queue() bool {
	x.try.queued = x.backend.Cluster.Queue()
	return x.try.queued
}

func (x *exchange) dequeue() {
	x.connecting = false
	if x.try.queued {
		x.try.queued = false
		x.backend.Cluster.Dequeue()
	}
}

// settle says how the attempt has ended, if there is one.
func (x *exchange) settle(o balance.Outcome) {
	a := &x.try
	x.dequeue()
	if a.retry {
		a.retry = false
		x.backend.Cluster.RetryDone()
	}
	if !a.running {
		return
	}
	a.running = false
	x.recordOutcome(o)
	at := x.loop.now
	if a.answered > 0 && o == balance.Answered {
		at, o = a.answered, outcomeOf(x.status)
	}
	a.endpoint.End(a.began, at, o)
}

// asked says that the request is on its way to the backend.
func (x *exchange) asked() {
	x.stage = asking
	x.dequeue()
	if x.sent == 0 {
		x.sent = x.loop.now
	}
}

// notConnected handles a connection that could not be made. The upstream has let
// go of the exchange.
func (x *exchange) notConnected(err error) {
	if overload.OutOfFiles(err) {
		x.exhausted()
		return
	}
	x.connectFailed(502)
}

// connectFailed tries another endpoint, if there is one left to try; else the
// request is answered with the status. The upstream has let go of the exchange.
func (x *exchange) connectFailed(status int) {
	l := x.loop
	x.since = l.now
	x.try.endpoint.Failed(l.now)
	x.recordFault(tracing.ErrorConnect)
	x.settle(balance.Abandoned)
	if x.failsOver() {
		x.flags |= flagRetried
		x.attempt(reuseFor(x))
		return
	}
	if x.retriesAfter(connectFailure) {
		x.retryLater(balance.Abandoned)
		return
	}
	x.flags |= flagUpstreamFailed
	x.fail(x.unretried(status))
}

// failsOver claims a dial in place of one that has failed. The first costs nothing,
// as no backend has got anything of the request yet; where that has failed, too, the
// backend may be one that is overloaded. The attempts by the rule's policy do not
// bring new ones.
func (x *exchange) failsOver() bool {
	if x.connects >= maxConnects-1 {
		return false
	}
	x.connects++
	if x.connects > 1 {
		x.try.retry = x.claimBudget()
		return x.try.retry
	}
	return true
}

// unanswered handles a connection that ended before the response. The backend
// may have closed it before the request came to it: one that was reused for
// being idle, a new one because the backend is shutting down with it still in
// its accept queue. The request goes over a new connection then, if sending it
// twice does no harm. The upstream has let go of the exchange.
func (x *exchange) unanswered(begun, reused bool) {
	if x.idempotent && !begun && x.again(reused) {
		return
	}
	if x.retriesAfter(reset) {
		x.retryLater(balance.Broken)
		return
	}
	x.broken()
}

// refused handles a backend that has certainly not acted upon the request. The
// upstream has let go of the exchange.
func (x *exchange) refused(reused bool) {
	if !x.again(reused) {
		x.broken()
	}
}

// notAsked handles a connection that takes fewer requests than have waited for it.
// The upstream has let go of the exchange.
func (x *exchange) notAsked() {
	x.since = x.loop.now
	if !x.mayRepeat() {
		x.broken()
		return
	}
	x.repeat(false)
}

// again sends the request over another connection, and reports whether it could. The
// budget for retries pays for it, but for the first time after a connection that was
// reused: that a backend closes what is idle is no sign of trouble (RFC 9112, section
// 9.3.1).
func (x *exchange) again(reused bool) bool {
	x.since = x.loop.now
	if !x.mayRepeat() {
		return false
	}
	claimed := x.repeats > 0 || !reused
	if claimed && !x.claimBudget() {
		return false
	}
	x.repeat(claimed)
	return true
}

func (x *exchange) mayRepeat() bool {
	return !x.streamed && x.interims == 0 && x.repeats < maxRepeats
}

// repeat makes another attempt; claimed says whether the budget has paid for it.
func (x *exchange) repeat(claimed bool) {
	x.repeats++
	x.flags |= flagRetried
	x.stage = gathering
	x.settle(balance.Broken)
	x.try.retry = claimed
	x.attempt(reuseNone)
}
