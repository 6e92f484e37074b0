package balance

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// The first failure ejects an endpoint for minEjection, and each further one
// for twice as long, up to maxEjection.
const (
	minEjection = time.Second
	maxEjection = 30 * time.Second
)

// Endpoint is one address of a Cluster. Its pointer is its identity: it stays
// the same as long as the address belongs to the Service. It is safe for
// concurrent use.
type Endpoint struct {
	Addr    netip.AddrPort
	Cluster *Cluster

	// gone is set when the address left the Service.
	gone atomic.Bool
	// ejectedUntil is the time in nanoseconds (of the caller's clock) until
	// which the endpoint is passed over; zero when it is healthy.
	ejectedUntil atomic.Int64
	// trial is set while one request finds out whether an endpoint whose
	// ejection has run out is well again.
	trial    atomic.Bool
	failures atomic.Uint32
}

// admit says whether the endpoint may be picked. Where an ejection has run out
// it admits one caller and passes over the endpoint for another minEjection, so
// that a backend that is still down costs one request and not a burst.
func (e *Endpoint) admit(now int64) bool {
	until := e.ejectedUntil.Load()
	if until == 0 {
		return true
	}
	if until > now || !e.ejectedUntil.CompareAndSwap(until, now+int64(minEjection)) {
		return false
	}
	e.trial.Store(true)
	return true
}

// Failed tells that the endpoint did not take a connection at the time now.
// What fails while the endpoint is ejected already was picked before, and says
// nothing new.
func (e *Endpoint) Failed(now int64) {
	if e.ejectedUntil.Load() > now && !e.trial.Swap(false) {
		return
	}
	e.trial.Store(false)
	n := e.failures.Add(1)
	ejection := maxEjection
	if n < 6 {
		ejection = min(maxEjection, minEjection<<(n-1))
	}
	e.ejectedUntil.Store(now + int64(ejection))
}

// Succeeded tells that the endpoint took a connection.
func (e *Endpoint) Succeeded() {
	if e.failures.Load() == 0 {
		return
	}
	e.failures.Store(0)
	e.trial.Store(false)
	e.ejectedUntil.Store(0)
}

// Gone says whether the address has left its Service. Connections to it are
// finished and not used again.
func (e *Endpoint) Gone() bool { return e.gone.Load() }
