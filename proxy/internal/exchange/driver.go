package exchange

import "github.com/fleetgate/fleetgate/proxy/internal/balance"

// Driver carries out what a Conn decides about its two connections. Its
// methods return at once and never call back into the Conn: what comes of them
// is reported by a later event. It keeps no slice that it is given.
type Driver interface {
	// WriteClient sends b after all that was sent before, or keeps what does
	// not fit; it reports whether nothing is left unsent. If something is, the
	// driver calls ClientFlushed once it has gone. A failed write counts as
	// sent, and is reported by ClientClosed.
	WriteClient(b []byte) (flushed bool)
	// ShutdownClient ends the sending side after what was written.
	ShutdownClient()
	// CloseClient closes the connection after what was written.
	CloseClient()
	// AbortClient closes the connection at once with a reset, so that the
	// client does not take what it got for a whole response.
	AbortClient()

	// Take gets a connection to e, from those that were released or by dialing.
	// A Conn has at most one at a time.
	Take(e *balance.Endpoint, r Reuse) Taken
	// WriteUpstream is for the backend's side what WriteClient is for the
	// client's. A failed write is not an end: the backend may have answered
	// before it closed, so the driver goes on reading and reports
	// UpstreamClosed when that has ended.
	WriteUpstream(b []byte) (flushed bool)
	// ShutdownUpstream ends the sending side after what was written.
	ShutdownUpstream()
	// ReleaseUpstream gives back a connection that may serve another request,
	// unless the driver still has something to send on it.
	ReleaseUpstream()
	// CloseUpstream closes the connection, or gives up dialing, at once.
	CloseUpstream()
}

// Reuse says which connections Take may return.
type Reuse uint8

const (
	// ReuseAny takes an idle connection if there is one.
	ReuseAny Reuse = iota
	// ReuseChecked takes an idle connection only after asking the kernel
	// whether the backend has closed it.
	ReuseChecked
	// ReuseNone always dials.
	ReuseNone
)

// Taken is what came of Take.
type Taken uint8

const (
	// Unavailable means that this process cannot have another connection, which
	// says nothing of the endpoint.
	Unavailable Taken = iota
	// Reused means an idle connection, ready for use.
	Reused
	// Dialing means that UpstreamConnected or UpstreamClosed will follow.
	Dialing
)
