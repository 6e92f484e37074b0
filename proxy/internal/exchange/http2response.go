package exchange

import (
	"net/http"
	"strconv"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/h2"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

var (
	contentLength = []byte("content-length")
	contentType   = []byte("content-type")
)

func (st *http2Stream) interim(r *h1.Response) {
	st.stream.Respond(r.Status)
	for name, value := range r.Fields(nil) {
		st.stream.Field(name, value)
	}
	st.stream.EndHead(false)
	st.conn.loop.dirt(st.conn)
}

func (st *http2Stream) head(r *h1.Response, body framing) {
	s, x := st.stream, st.x
	s.Respond(r.Status)
	for name, value := range r.Fields(x.dropper()) {
		s.Field(name, value)
	}
	st.added()
	if r.Length >= 0 && r.Status != 204 {
		st.length(r.Length)
	}
	st.ended = body == bodiless || body == 0
	s.EndHead(st.ended)
	st.conn.loop.dirt(st.conn)
}

// added sends the fields that the rule's filters add to a response.
func (st *http2Stream) added() {
	x := st.x
	if !x.edits.Empty() {
		for name, value := range x.edits.Fields() {
			st.stream.Field(name, value)
		}
	}
	for lines := x.bytes(x.extra); len(lines) > 0; {
		var name, value []byte
		name, value, lines = nextField(lines)
		st.stream.Field(name, value)
	}
}

func (st *http2Stream) length(n int64) {
	var digits [20]byte
	st.stream.Field(contentLength, strconv.AppendInt(digits[:0], n, 10))
}

func (st *http2Stream) data(b []byte) {
	if st.out == nil {
		b = b[st.stream.Send(b, false):]
		st.conn.loop.dirt(st.conn)
	}
	if len(b) > 0 {
		out := st.out
		if out == nil {
			out = st.conn.loop.buffer()
		}
		st.hold(st.conn.loop.extend(out, b))
	}
}

// hold keeps what the stream could not take, and counts what that costs.
func (st *http2Stream) hold(out []byte) {
	st.conn.held += cap(out) - cap(st.out)
	st.out = out
}

// room returns how much of the response may be read. A client whose streams hold
// a lot already, as it does not take what it has asked for, has no more read than
// can be sent at once, or little where that is nothing: a stream that waits for
// its window must not be mistaken for one that need not be looked after.
func (st *http2Stream) room(most int) int {
	left := maxHeld - st.conn.held
	switch {
	case st.out != nil:
		return 0
	case left >= most:
		return most
	}
	return min(most, max(left, st.stream.Room(), leastHeld))
}

func (st *http2Stream) end(trailer []byte) {
	st.ending = true
	st.trailer = append(st.trailer[:0], trailer...)
	st.drain()
}

// drain sends what is left to send, and then does what follows.
func (st *http2Stream) drain() {
	l := st.conn.loop
	l.dirt(st.conn)
	if st.out != nil {
		n := st.stream.Send(st.out, false)
		if n < len(st.out) {
			st.out = append(st.out[:0], st.out[n:]...)
			return
		}
		l.free(st.out)
		st.hold(nil)
		if !st.ending {
			if st.x.upstreamEnded {
				st.sendEnd()
			}
			st.x.clientFlushed()
			return
		}
	}
	if st.ending {
		st.sendEnd()
		st.finish()
	}
}

func (st *http2Stream) sendEnd() {
	switch {
	case st.ended:
	case len(st.trailer) > 0:
		st.stream.SendTrailers(st.trailer)
	default:
		st.stream.Send(nil, true)
	}
	st.ended = true
}

// switched opens the tunnel, which in HTTP/2 is a success.
func (st *http2Stream) switched(r *h1.Response) {
	x, s := st.x, st.stream
	s.Respond(http.StatusOK)
	for name, value := range r.Fields(x.dropper()) {
		if !h1.EqualFold(name, acceptField) {
			s.Field(name, value)
		}
	}
	st.added()
	s.EndHead(false)
	st.conn.loop.dirt(st.conn)
	if len(st.early) > 0 {
		x.requestData(st.early)
		x.requestFlush()
		st.conn.loop.free(st.early)
		st.early = nil
	}
	if st.half {
		st.requestEnd(nil)
		return
	}
	st.resume()
}

// shut ends the client's half of a tunnel.
func (st *http2Stream) shut() {
	if st.out == nil {
		st.sendEnd()
		st.conn.loop.dirt(st.conn)
	}
}

func (st *http2Stream) answer(status int, location []byte) {
	s, x := st.stream, st.x
	x.status, x.stage = status, answering
	if x.protocol == probe.GRPC {
		st.answerGRPC(status)
		return
	}
	text := http.StatusText(status) + "\n"
	s.Respond(status)
	if location != nil {
		s.Field([]byte("location"), location)
	}
	st.added()
	st.ended = x.isHead || status == http.StatusNoContent
	if status != http.StatusNoContent {
		if !x.edits.Drops(contentType) {
			s.Field(contentType, []byte("text/plain; charset=utf-8"))
		}
		st.length(int64(len(text)))
	}
	s.EndHead(st.ended)
	if !st.ended {
		x.respondLen = uint64(len(text))
		st.data([]byte(text))
	}
	st.end(nil)
}

// answerGRPC answers in the way that a gRPC client understands.
func (st *http2Stream) answerGRPC(status int) {
	s := st.stream
	s.Respond(http.StatusOK)
	s.Field(contentType, []byte("application/grpc"))
	st.added()
	code := []byte(grpcStatus(status))
	st.x.noteGRPC(code)
	s.Field([]byte("grpc-status"), code)
	s.Field([]byte("grpc-message"), []byte(http.StatusText(status)))
	st.ended = true
	s.EndHead(true)
	st.end(nil)
}

func (st *http2Stream) abort() {
	st.stream.Reset(h2.InternalError)
	st.finish()
}
