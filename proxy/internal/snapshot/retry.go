package snapshot

import (
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// The wait before the first retry where the rule says nothing, and the bound of
// all later ones. A base longer than the bound is waited for as it is.
const (
	defaultBackoff = 25 * time.Millisecond
	maxBackoff     = 2 * time.Second
)

// Retry is a rule's compiled retry policy. It is immutable. Whether a retry goes
// ahead is also for the backend's budget to say: balance.Cluster.AllowRetry.
type Retry struct {
	// Attempts are those after the first one.
	Attempts int
	// ConnectFailure and Reset say which failures before a response are retried.
	ConnectFailure, Reset bool

	base time.Duration
	// codes has a bit for each status from 400 to 599.
	codes [4]uint64
}

// compileRetry returns nil where nothing is to be retried.
func compileRetry(in *proxyconfig.Retry) *Retry {
	if in == nil || in.Attempts == 0 {
		return nil
	}
	r := &Retry{
		Attempts: int(in.Attempts), ConnectFailure: in.ConnectFailure, Reset: in.Reset,
		base: time.Duration(in.BackoffMillis) * time.Millisecond,
	}
	if r.base == 0 {
		r.base = defaultBackoff
	}
	for _, code := range in.Codes {
		r.codes[(code-400)/64] |= 1 << ((code - 400) % 64)
	}
	return r
}

// OnStatus says whether a response with the status is worth another attempt.
func (r *Retry) OnStatus(status int) bool {
	if status < 400 || status > 599 {
		return false
	}
	return r.codes[(status-400)/64]>>((status-400)%64)&1 != 0
}

// Statuses says whether there is a response that is worth another attempt.
func (r *Retry) Statuses() bool { return r.codes != [4]uint64{} }

// Backoff is how long to wait before the n-th retry, which counts from one. The
// wait doubles each time, and random, any number, puts it into its upper half:
// retries of requests that failed together do not come together.
func (r *Retry) Backoff(n int, random uint64) time.Duration {
	d := r.base
	for ; n > 1 && d < maxBackoff; n-- {
		d *= 2
	}
	d = min(d, max(maxBackoff, r.base))
	half := uint64(d / 2)
	return d - time.Duration(random%(half+1))
}
