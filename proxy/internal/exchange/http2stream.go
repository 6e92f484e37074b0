package exchange

import (
	"net/http"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/h2"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// http2Stream is one stream of a client's connection: the client's side of an
// exchange.
type http2Stream struct {
	conn   *http2Client
	stream *h2.Stream
	// x is nil before the request's head has come.
	x *exchange
	// out is what the stream could not take yet; ending: its end follows, and
	// trailer before that. ended: the end was sent.
	out     []byte
	trailer []byte
	ending  bool
	ended   bool
	// early is what came for a tunnel before there was one; owed is how much of
	// the request was not given back to the client's window.
	early []byte
	owed  int
	// half: the client's half has ended before there was a tunnel.
	half bool
	// left is how much is missing of the length that the body was announced with;
	// negative if it was with none.
	left int64
	// held: the request says that it has no body, but has not ended. It could
	// still turn out to be malformed. withheld: so could one that has all of its
	// body, of which last is the last byte.
	held, withheld bool
	last           [1]byte
	// begun: it is in Loop.begun.
	begun bool

	prev, next *http2Stream
}

// newStream returns a stream from those that were freed.
func (l *Loop) newStream() *http2Stream {
	if st, ok := l.streams.take(); ok {
		return st
	}
	return new(http2Stream)
}

// release lets go of the stream after its exchange has ended.
func (st *http2Stream) release() {
	c, l := st.conn, st.conn.loop
	if st.prev != nil {
		st.prev.next = st.next
	} else {
		c.streams = st.next
	}
	if st.next != nil {
		st.next.prev = st.prev
	}
	c.since = l.now
	st.stream.Release()
	l.dirt(c)
	l.free(st.out)
	st.hold(nil)
	l.free(st.early)
	*st = http2Stream{trailer: st.trailer[:0]}
	l.streams.put(st)
}

// begin takes the head of a request.
func (st *http2Stream) begin(r *h1.Request, end bool) {
	c := st.conn
	x := c.begin(st, c.loop.now)
	st.x, st.left = x, r.Length
	x.protocol = probe.HTTP2
	if len(r.Protocol) > 0 {
		st.beginTunnel(r)
		return
	}
	if t, ok := r.Value("content-type"); ok && isGRPC(t) {
		x.protocol = probe.GRPC
		if at := grpcDeadline(r, x.start); at != 0 {
			x.wantedBy = at
			x.endBy(at)
		}
	}
	r.Chunked = !end && r.Length < 0
	x.admit(r)
	if end {
		x.requestEnd(nil)
	} else if st.held = r.Length == 0; st.held {
		return
	}
	st.proceed()
}

// proceed has the exchange go on at the end of the turn: what a client takes
// back at once costs no backend anything, and what came of a body at once is
// sent with its head.
func (st *http2Stream) proceed() {
	st.begun = true
	st.conn.loop.begun = append(st.conn.loop.begun, st)
}

// goOn has the exchange go on. What came of the body before goes out with the
// head where there is a connection already, so that more may come.
func (st *http2Stream) goOn() {
	st.begun = false
	x := st.x
	x.proceed()
	if st.x == x && x.wantsRequest() {
		st.resume()
	}
}

// beginTunnel takes an extended CONNECT (RFC 8441), which is to backends what a
// GET with an Upgrade is.
func (st *http2Stream) beginTunnel(r *h1.Request) {
	x := st.x
	st.left = -1
	if h1.EqualFold(r.Protocol, "websocket") {
		x.websocket = true
		r.Method = methodGet
		x.admit(r)
	} else {
		x.describe(r)
		x.own = http.StatusNotImplemented
	}
	x.requestEnd(nil)
	st.proceed()
}

var methodGet = []byte("GET")

// body takes a part of the request's body, or of what goes through the tunnel.
func (st *http2Stream) body(b []byte, end bool) {
	x := st.x
	if x.upgrade && x.stage != tunnel {
		// It is not for the backend before that has agreed. The client's window
		// bounds it.
		if st.early == nil {
			st.early = st.conn.loop.buffer()
		}
		st.early = st.conn.loop.extend(st.early, b)
		st.owed += len(b)
		st.half = end
		return
	}
	if b := st.withhold(b, end); len(b) > 0 {
		x.requestData(b)
	}
	if x.wantsRequest() {
		st.stream.Consumed(len(b))
	} else {
		st.owed += len(b)
	}
	if end {
		st.requestEnd(nil)
	}
}

// withhold keeps the last byte of a body of an announced length until its end has
// come, and returns the others. More may come in place of the end: then the request is
// malformed (RFC 9113, section 8.1.1), and must not be whole to an HTTP/1 backend.
func (st *http2Stream) withhold(b []byte, end bool) []byte {
	if st.left < 0 || len(b) == 0 {
		return b
	}
	if st.left -= int64(len(b)); st.left > 0 || end {
		return b
	}
	n := len(b) - 1
	st.last[0], st.withheld = b[n], true
	return b[:n]
}

func (st *http2Stream) requestEnd(trailer []byte) {
	x := st.x
	if x.upgrade && x.stage != tunnel {
		st.half = true
		return
	}
	if st.withheld {
		st.withheld = false
		x.requestData(st.last[:])
	}
	x.requestEnd(trailer)
	switch {
	case st.held:
		st.held = false
		st.proceed()
	case st.x == x:
		x.requestFlush()
	}
}

// gone ends the exchange of a stream that was reset, or whose connection ended.
func (st *http2Stream) gone() {
	if x := st.x; x != nil {
		st.x = nil
		x.cancel()
	}
	st.release()
}

// finish ends the exchange after its response was sent.
func (st *http2Stream) finish() {
	x := st.x
	st.x = nil
	x.finish()
	st.release()
}

func (st *http2Stream) flush() {}

// resume gives back to the client's window what has gone on.
func (st *http2Stream) resume() {
	if st.owed > 0 {
		st.stream.Consumed(st.owed)
		st.owed = 0
		st.conn.loop.dirt(st.conn)
	}
}

func (st *http2Stream) blocked() bool { return st.out != nil }
func (st *http2Stream) leaving() bool { return false }
func (st *http2Stream) starved() bool { return st.conn.valve.closed || st.conn.conn.Choked() }
