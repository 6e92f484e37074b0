package writes

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"
)

// ErrFenced is returned for what is not written, as the process may not lead any more.
var ErrFenced = errors.New("the lease of this process has not been renewed in time")

// Fence knows from the requests of a process how long its lease lasts. It is safe for
// concurrent use.
type Fence struct {
	lease string
	lasts time.Duration
	now   func() time.Time

	mu sync.Mutex
	// renewed is when the last renewal began of which the API server has said that it
	// was one.
	renewed time.Time
}

// NewFence returns the Fence of a process that renews the lease of a name, which lasts so
// long each time. now is time.Now.
func NewFence(lease string, lasts time.Duration, now func() time.Time) *Fence {
	return &Fence{lease: lease, lasts: lasts, now: now}
}

// free are the groups whose objects are written without leading: leases, and the questions
// who somebody is and what he may, which are answered and not kept.
var free = []string{"coordination.k8s.io", "authentication.k8s.io", "authorization.k8s.io"}

// Wrap returns a RoundTripper that hands requests to next, except those that are to change
// something while the process does not hold its lease for sure. These get ErrFenced.
func (f *Fence) Wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		target, writes := TargetOf(request)
		switch {
		case !writes:
			return next.RoundTrip(request)
		case slices.Contains(free, target.Group):
			return f.renew(next, request, &target)
		case !f.holds():
			if request.Body != nil {
				request.Body.Close()
			}
			return nil, ErrFenced
		}
		return next.RoundTrip(request)
	})
}

// renew makes a request, and takes note if it was one that renewed the lease.
func (f *Fence) renew(next http.RoundTripper, request *http.Request, target *Target) (*http.Response, error) {
	began := f.now()
	response, err := next.RoundTrip(request)
	// A lease is created once, and no other one is.
	ours := target.Resource == "leases" && (target.Name == f.lease || target.Verb == "create")
	if err == nil && ours && response.StatusCode/100 == 2 {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.renewed = began
	}
	return response, err
}

// holds says whether nobody else can have the lease. The clock that does not go back may
// stand still while a machine is asleep, and the other one may be set: whichever says
// that more time has passed is believed.
func (f *Fence) holds() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	return !f.renewed.IsZero() && max(now.Sub(f.renewed), now.Round(0).Sub(f.renewed.Round(0))) < f.lasts
}
