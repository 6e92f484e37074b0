package graph

import (
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The bounds of what a rule may ask for. They keep one request of a client from
// becoming a flood of them, and a backoff from outliving every client.
const (
	maxRetryAttempts = 100
	maxRetryBackoff  = 24 * time.Hour
)

// Retry is a rule's retry policy with its defaults filled in.
type Retry struct {
	// Attempts are those after the first one; zero retries nothing.
	Attempts int32
	Codes    []int
	// Backoff is zero where the rule leaves it to the proxy.
	Backoff time.Duration
}

func (r *Rule) readRetry(at string) {
	source := r.HTTP.Retry
	if source == nil {
		return
	}
	attempts := value(source.Attempts, 1)
	if attempts < 0 || attempts > maxRetryAttempts {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.retry.attempts %d is not in [0, %d]", at, attempts, maxRetryAttempts)
		return
	}
	r.Retry = &Retry{Attempts: int32(attempts)}
	for i, code := range source.Codes {
		if code < 400 || code > 599 {
			r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.retry.codes[%d] %d is not in [400, 599]", at, i, code)
		}
		r.Retry.Codes = append(r.Retry.Codes, int(code))
	}
	r.Retry.Backoff, _ = r.timeout(at+".retry.backoff", source.Backoff)
	if r.Retry.Backoff > maxRetryBackoff {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.retry.backoff is longer than a day", at)
	}
}
