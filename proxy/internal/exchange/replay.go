package exchange

const (
	// maxReplay bounds the body that is kept so that a request can be sent again.
	maxReplay = 64 << 10
	// worthFreeing is the least that is given back before the exchange ends: for
	// less it is not worth to copy the head.
	worthFreeing = 16 << 10
)

// keeps reports whether n more bytes of the body, which go to the backend
// already, are kept for sending the request again.
func (x *exchange) keeps(n int) bool {
	return !x.streamed && x.stage == asking && len(x.buf)-x.body+n <= maxReplay && x.mayReturn()
}

// mayReturn reports whether the request, which goes to a backend that has not
// answered, may be to be sent again. It is not once the client was sent an interim
// response (RFC 9110, section 15.2), nor where all attempts were made. An HTTP/2
// backend says of any request that it has not acted upon it, when it leaves
// (RFC 9113, section 8.7).
func (x *exchange) mayReturn() bool {
	switch {
	case x.interims > 0:
		return false
	case x.repeats < maxRepeats && (x.idempotent || x.backend.Transport.HTTP2):
		return true
	}
	p := x.rule.Retry
	return p != nil && int(x.retries) < p.Attempts && (p.Statuses() || p.Reset && x.idempotent)
}

// forget gives back what was kept of the body. The request is not sent again.
func (x *exchange) forget() {
	if x.streamed {
		return
	}
	x.streamed, x.trailer = true, span{}
	x.buf = x.buf[:x.body]
	if cap(x.buf)-x.body >= worthFreeing {
		old := x.buf
		x.buf = append(x.loop.smallBuffer(), old...)
		x.loop.free(old)
	}
}

// smallBuffer returns an empty buffer that is no larger than a new one.
func (l *Loop) smallBuffer() []byte {
	if spare, ok := l.buffers.last(); ok && cap(spare) > bufferSize {
		return make([]byte, 0, bufferSize)
	}
	return l.buffer()
}
