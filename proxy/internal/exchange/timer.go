package exchange

import (
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// expiry is what has taken too long.
type expiry uint8

const (
	never expiry = iota
	connectionIdle
	headSlow
	bodySlow
	clientStalled
	clientLeft
	connectSlow
	backendSlow
	requestSlow
	// silent: nobody has said anything, with nobody to blame for it but perhaps
	// the backend.
	silent
	retryDue
)

// SweepEvery is how often a driver calls Tick for every Peer.
const SweepEvery = time.Second

// wakeAt asks for a Tick at an instant, if the coarse sweep would miss it. What
// is farther away is seen by that sweep in time.
func (l *Loop) wakeAt(at int64) {
	if at-l.now <= int64(SweepEvery) {
		l.wake = min(l.wake, at)
	}
}

// tick gives the exchange up if something has taken too long. x must not be
// used after it.
func (x *exchange) tick() {
	x.auth.tick()
	if x.dawdles() {
		x.expire(bodySlow)
		return
	}
	at, what := x.next()
	switch {
	case what == never:
	case x.loop.now < at:
		x.loop.wakeAt(at)
	default:
		x.expire(what)
	}
}

// next returns the first instant at which something will have taken too long.
func (x *exchange) next() (at int64, what expiry) {
	lim := &x.loop.limits
	consider := func(t int64, w expiry) {
		if t > 0 && (what == never || t < at) {
			at, what = t, w
		}
	}
	switch {
	case x.stage != tunnel:
	case !x.tunnelEnded():
		return x.since + int64(lim.Tunnel), clientStalled
	case x.client.blocked():
		return x.since + int64(lim.Stall), clientStalled
	default:
		return x.since + int64(x.loop.base.Stall), backendSlow
	}
	consider(x.deadline, requestSlow)
	consider(x.retryAt, retryDue)
	if x.stage < answering {
		consider(x.tryDeadline, backendSlow)
	}
	blocked := x.up != nil && x.up.blocked()
	switch {
	case x.auth.asks():
		// The call has a deadline of its own.
		if x.client.leaving() {
			consider(x.since+int64(lim.Leaving), clientLeft)
		}
	case x.connecting:
		consider(x.connectBy, connectSlow)
	case x.client.blocked():
		consider(x.since+int64(lim.Stall), clientStalled)
	case x.auth.holds() && !x.auth.gathers():
		// What was decided is done at the end of the turn.
	case !x.requestEnded && !blocked && !x.converses() && !x.client.starved():
		consider(x.since+int64(lim.Body), bodySlow)
	case blocked && x.requestEnded:
		// Overload on this side is no sign of a dead backend.
		consider(x.since+int64(x.loop.base.Stall), backendSlow)
	case blocked:
		// It is not blamed, and what is held for it may be needed elsewhere.
		consider(x.since+int64(lim.Stall), backendSlow)
	case x.client.leaving():
		consider(x.since+int64(lim.Leaving), clientLeft)
	case x.rule == nil || x.rule.RequestTimeout == 0 && x.rule.BackendTimeout == 0:
		consider(x.since+int64(lim.Silence), silent)
	}
	return at, what
}

// converses reports whether the client may leave its request open for as long as it
// likes to say nothing: both sides speak when they have something to say.
func (x *exchange) converses() bool {
	return x.protocol == probe.GRPC || x.stage >= answering
}

// lateness is what an answer that did not come in time says of the endpoint:
// nothing where it has not got the whole request, or where it was the client that
// chose the time.
func (x *exchange) lateness() balance.Outcome {
	if !x.requestEnded || x.overdue() {
		return balance.Abandoned
	}
	return balance.Broken
}

// overdue says whether the client does not want the answer any more.
func (x *exchange) overdue() bool { return x.wantedBy != 0 && x.loop.now >= x.wantedBy }

func (x *exchange) expire(what expiry) {
	switch what {
	case clientStalled, clientLeft:
		x.dropUpstream()
		x.flags |= flagClientCancel
		x.client.abort()
	case connectSlow:
		x.dropUpstream()
		x.connectFailed(504)
	case bodySlow:
		x.flags |= flagTimeout
		x.fail(408)
	case retryDue:
		x.retryAt = 0
		x.attempt(reuseFor(x))
	case backendSlow:
		x.flags |= flagTimeout
		x.dropUpstream()
		if x.retriesAfter(reset) {
			x.retryLater(balance.Broken)
			return
		}
		x.settle(balance.Broken)
		x.fail(x.unretried(504))
	case requestSlow:
		x.flags |= flagTimeout
		x.settle(x.lateness())
		x.fail(504)
	case silent:
		x.flags |= flagTimeout
		if x.stage < answering {
			x.settle(x.lateness())
		}
		x.fail(504)
	}
}
