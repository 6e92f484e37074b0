package exchange

import (
	"bytes"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

// http2Call is one stream of a connection to a backend: the backend's side of
// an exchange.
type http2Call struct {
	conn *http2Backend
	x    *exchange
	// stream is nil before the connection is there.
	stream *h2.Stream
	// out is what the stream could not take yet; ending: its end follows, and
	// trailer before that.
	out     []byte
	trailer []byte
	ending  bool
	// owed is how much of the response was not given back to the backend's
	// window.
	owed int
	// answered: the head of the final response has come.
	answered bool
}

// newCall returns a call from those that were freed.
func (l *Loop) newCall() *http2Call {
	if call, ok := l.calls.take(); ok {
		return call
	}
	return new(http2Call)
}

// leave lets go of the exchange, which goes on without this stream.
func (call *http2Call) leave() *exchange {
	x := call.x
	x.part(call.conn.io)
	x.up = nil
	x.dequeue()
	call.release()
	return x
}

func (call *http2Call) carrier() Transport { return call.conn.io }

func (call *http2Call) release() {
	b, l := call.conn, call.conn.loop
	if call.stream != nil {
		call.stream.Release()
		l.dirt(b)
	}
	l.free(call.out)
	*call = http2Call{conn: b, trailer: call.trailer[:0]}
	b.remove(call)
	call.conn = nil
	l.calls.put(call)
}

// open sends the request with what is there of its body.
func (call *http2Call) open() {
	x := call.x
	fields, target := readHead(x.buf[x.message:x.body])
	target.Scheme = plainScheme
	if x.bootstraps {
		if !call.conn.conn.TakesConnect() {
			call.leave().cannotBootstrap()
			return
		}
		target.Method, target.Protocol = methodConnect, protocolWebSocket
	}
	s := call.conn.conn.Open(call, &target)
	call.stream = s
	call.conn.asking()
	x.asked()
	for len(fields) > 0 {
		var name, value []byte
		name, value, fields = nextField(fields)
		if travels(name) && (!x.bootstraps || !isHandshakeField(name)) {
			s.Field(name, value)
		}
	}
	call.conn.loop.dirt(call.conn)
	if x.bootstraps {
		// The stream is the tunnel to be.
		s.EndHead(false)
		return
	}
	end := len(x.buf)
	if x.requestEnded {
		end = int(x.trailer.start)
	}
	body := x.buf[x.body:end]
	bare := x.requestEnded && len(body) == 0 && x.trailer.end == x.trailer.start
	s.EndHead(bare)
	if bare {
		return
	}
	call.data(body)
	if x.requestEnded {
		call.end(x.bytes(x.trailer))
	}
}

var plainScheme = []byte("http")

// readHead reads the start line and the Host field of a head that an exchange
// has written, and returns the other fields.
func readHead(head []byte) (fields []byte, t h1.Target) {
	i := bytes.IndexByte(head, ' ')
	t.Method = head[:i]
	head = head[i+1:]
	i = bytes.IndexByte(head, ' ')
	t.Path = head[:i]
	head = head[bytes.IndexByte(head, '\n')+1 : len(head)-2]
	_, t.Authority, fields = nextField(head)
	return fields, t
}

// nextField reads the first of some field lines that an exchange has written.
func nextField(lines []byte) (name, value, rest []byte) {
	i := bytes.IndexByte(lines, ':')
	e := bytes.IndexByte(lines, '\r')
	return lines[:i], bytes.TrimLeft(lines[i+1:e], " "), lines[e+2:]
}

// travels reports whether a field goes to an HTTP/2 backend: not if it is about
// an HTTP/1 connection (RFC 9113, section 8.2.2).
func travels(name []byte) bool {
	switch h1.KindOf(name) {
	case h1.Host, h1.Connection, h1.KeepAlive, h1.Upgrade, h1.TransferEncoding:
		return false
	}
	return true
}

func (call *http2Call) data(b []byte) {
	call.conn.asking()
	if call.out == nil {
		b = b[call.stream.Send(b, false):]
		call.conn.loop.dirt(call.conn)
	}
	if len(b) > 0 {
		if call.out == nil {
			call.out = call.conn.loop.buffer()
		}
		call.out = call.conn.loop.extend(call.out, b)
	}
}

func (call *http2Call) end(trailer []byte) {
	call.ending = true
	call.trailer = append(call.trailer[:0], trailer...)
	if call.out == nil {
		call.sendEnd()
	}
}

func (call *http2Call) sendEnd() {
	if len(call.trailer) > 0 {
		call.stream.SendTrailers(call.trailer)
	} else {
		call.stream.Send(nil, true)
	}
	call.conn.loop.dirt(call.conn)
}

// drain sends what is left to send, and then does what follows.
func (call *http2Call) drain() {
	n := call.stream.Send(call.out, false)
	call.conn.loop.dirt(call.conn)
	if n < len(call.out) {
		call.out = append(call.out[:0], call.out[n:]...)
		return
	}
	call.conn.loop.free(call.out)
	call.out = nil
	if call.ending {
		call.sendEnd()
	}
	call.x.upstreamFlushed()
}

func (call *http2Call) flush()        {}
func (call *http2Call) cancel()       { call.release() }
func (call *http2Call) blocked() bool { return call.out != nil }

// resume gives back to the backend's window what has gone on.
func (call *http2Call) resume() {
	if call.owed > 0 {
		call.stream.Consumed(call.owed)
		call.owed = 0
		call.conn.loop.dirt(call.conn)
	}
}

// head takes the head of a response, interim or final.
func (call *http2Call) head(r *h1.Response, end bool) {
	x := call.x
	call.conn.proven = true
	if r.Status < 200 {
		x.responseInterim(r)
		return
	}
	if x.bootstraps && r.Status < 300 {
		call.bootstrapped(r, end)
		return
	}
	if x.retriesStatus(r.Status) {
		call.leave().retryLater(outcomeOf(r.Status))
		return
	}
	if x.overBudget {
		call.leave().refuseRetry(outcomeOf(r.Status))
		return
	}
	call.answered = true
	x.responseHead(r, framingOf(r, x.isHead, end))
	if end {
		call.responseEnd(nil)
		return
	}
	x.client.flush()
}

// framingOf is what the head of a response says of its body.
func framingOf(r *h1.Response, isHead, end bool) framing {
	switch {
	case r.Bodiless(isHead):
		return bodiless
	case end:
		return 0
	case r.Length == 0:
		return empty
	}
	return framing(r.Length)
}

// body takes a part of the response's body.
func (call *http2Call) body(p []byte, end bool) {
	x := call.x
	if len(p) > 0 {
		x.responseData(p)
	}
	if end {
		call.responseEnd(nil)
		return
	}
	if x.wantsResponse() {
		call.stream.Consumed(len(p))
	} else {
		call.owed += len(p)
	}
}

// responseEnd ends the response, or the backend's half of a tunnel.
func (call *http2Call) responseEnd(trailer []byte) {
	if x := call.x; x.stage == tunnel {
		x.client.flush()
		x.upstreamEnd()
		return
	}
	call.leave().responseEnd(trailer)
}

// bootstrapped makes the stream a tunnel.
func (call *http2Call) bootstrapped(r *h1.Response, end bool) {
	call.answered = true
	call.x.bootstrapped(r)
	if end {
		call.x.upstreamEnd()
	}
}

// reset ends a call whose stream has ended before its time.
func (call *http2Call) reset(refused bool) {
	answered := call.answered
	b := call.conn
	// A stream alone that is refused is a sign of a backend that has enough.
	closed := b.proven && (b.conn.Leaving() || b.conn.Err() != nil)
	x := call.leave()
	switch {
	case answered:
		// It was acted upon then, whatever the backend says.
		x.broken()
	case refused:
		x.refused(closed)
	default:
		x.unanswered(false, closed)
	}
}
