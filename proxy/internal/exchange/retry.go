package exchange

import (
	"net/http"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// The causes of retries by the rule's policy.
type cause uint8

const (
	connectFailure cause = iota
	reset
)

// retriesAfter claims another attempt after a failure, if the rule's policy
// wants one. Each true is followed by retryLater.
func (x *exchange) retriesAfter(c cause) bool {
	p := x.rule.Retry
	return p != nil && (c == connectFailure && p.ConnectFailure || c == reset && p.Reset && x.repeatable()) && x.claimRetry()
}

// repeatable reports whether it does no harm to send the request again after an
// attempt without an answer: the backend may have acted upon what it was sent
// (RFC 9110, section 9.2.2).
func (x *exchange) repeatable() bool { return x.idempotent || x.stage == gathering }

// retriesStatus claims another attempt after a response that the rule's policy
// does not take for one. Each true is followed by retryLater, when the upstream
// has let go of the exchange.
func (x *exchange) retriesStatus(status int) bool {
	x.recordStatus(status)
	p := x.rule.Retry
	return p != nil && p.OnStatus(status) && x.claimRetry()
}

func (x *exchange) claimRetry() bool {
	if int(x.retries) >= x.rule.Retry.Attempts || x.streamed || x.interims > 0 || x.stage >= answering {
		return false
	}
	return x.claimBudget()
}

// claimBudget takes a retry out of the backend's budget, if one is left. Each true is
// followed by setting attempt.retry, once the attempt before is settled.
func (x *exchange) claimBudget() bool {
	c := x.backend.Cluster
	allowed := c.AllowRetry(x.loop.now)
	x.overBudget = !allowed && c.Policy().RefusesRetries()
	return allowed
}

// unretried is the status of the proxy's own answer to a request that failed and
// is not sent again.
func (x *exchange) unretried(status int) int {
	if x.overBudget {
		return http.StatusServiceUnavailable
	}
	return status
}

// refuseRetry answers a request in place of a response that should have been
// retried. The upstream has let go of the exchange.
func (x *exchange) refuseRetry(o balance.Outcome) {
	x.settle(o)
	x.fail(http.StatusServiceUnavailable)
}

// retryLater has the next attempt begin after a while. The one before has ended
// with an outcome.
func (x *exchange) retryLater(o balance.Outcome) {
	l := x.loop
	x.settle(o)
	x.try.retry = true
	x.retries++
	x.flags |= flagRetried
	x.since, x.stage, x.tryDeadline = l.now, gathering, 0
	x.retryAt = l.now + int64(x.rule.Retry.Backoff(int(x.retries), l.ids.Uint64()))
	l.wakeAt(x.retryAt)
}

// outcomeOf is how an attempt has ended that was answered with a status.
func outcomeOf(status int) balance.Outcome {
	if status >= 500 {
		return balance.ServerError
	}
	return balance.Answered
}
