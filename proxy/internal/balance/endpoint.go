package balance

import (
	"net/netip"
	"sync/atomic"
)

// Endpoint is one address of a Cluster. Its pointer is its identity: it stays
// the same as long as the address belongs to the Service. It is safe for
// concurrent use.
type Endpoint struct {
	Addr    netip.AddrPort
	Cluster *Cluster

	// gone is set when the address left the Service.
	gone atomic.Bool
	// unhealthy is set while an active health check takes the endpoint out.
	unhealthy atomic.Bool
	// ejectedUntil is the time in nanoseconds (of the caller's clock) until
	// which the endpoint is passed over; zero when it is not ejected.
	ejectedUntil atomic.Int64
	// trial is set while one request finds out whether an endpoint whose
	// ejection has run out is well again.
	trial atomic.Bool
	// ejections counts those in a row; byAnswers says that the last one was for
	// its answers and not for its connections.
	ejections atomic.Uint32
	byAnswers atomic.Bool
	// recovers is set while the endpoint is ejected and may come back before its
	// time; recovered is when it did so last.
	recovers  atomic.Bool
	recovered atomic.Int64
	// errors counts the answers of 500 and above, and broken connections, in a
	// row.
	errors atomic.Int32
	// warmSince is when the endpoint began to warm up; zero when it is warm.
	warmSince atomic.Int64

	inFlight atomic.Int64
	latency  latency
}

// Outcome is how an attempt ended.
type Outcome uint8

// The outcomes of attempts.
const (
	// Answered is a response below 500.
	Answered Outcome = iota
	// ServerError is a response of 500 and above.
	ServerError
	// Broken is a connection that ended, or an attempt that ran out of time,
	// before the response was complete.
	Broken
	// Abandoned says nothing of the endpoint: the client left.
	Abandoned
)

// Begin tells that an attempt was given to the endpoint. It is to be followed by
// one End.
func (e *Endpoint) Begin() {
	e.inFlight.Add(1)
	e.Cluster.load.requests.Add(1)
}

// End tells how an attempt that began at the time began has ended at the time
// now. Where the response is long, both are of the time until it began.
func (e *Endpoint) End(began, now int64, o Outcome) {
	switch o {
	case Answered:
		e.latency.observe(now, now-began, false)
	case ServerError, Broken:
		e.latency.observe(now, now-began, true)
	}
	e.EndSession(now, o)
}

// Reached tells that a session, which began at the time began, has reached the
// endpoint at the time now: it took the connection, or answered a datagram. That
// is the session's latency, and not to be waited for until its end.
func (e *Endpoint) Reached(began, now int64) {
	e.latency.observe(now, now-began, false)
	e.Succeeded()
}

// EndSession is End for a session, of which Reached learns the latency.
func (e *Endpoint) EndSession(now int64, o Outcome) {
	e.inFlight.Add(-1)
	l := &e.Cluster.load
	l.requests.Add(-1)
	if window := e.Cluster.Policy().retryWindow; window > 0 {
		l.recently().recent.add(now, window)
	}
	switch o {
	case Answered:
		e.answered()
	case ServerError, Broken:
		e.erred(now, o)
	}
}

// InFlight returns the attempts that have begun and not ended.
func (e *Endpoint) InFlight() int64 { return e.inFlight.Load() }

// Gone says whether the address has left its Service. Connections to it are
// finished and not used again.
func (e *Endpoint) Gone() bool { return e.gone.Load() }

// well says whether the endpoint is neither ejected nor taken out by a check.
func (e *Endpoint) well() bool { return e.ejectedUntil.Load() == 0 && !e.unhealthy.Load() }
