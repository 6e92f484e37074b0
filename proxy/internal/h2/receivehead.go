package h2

import "github.com/fleetgate/fleetgate/proxy/internal/h1"

// accept takes the head of a new request.
func (c *Conn) accept(b *block, p []byte) *Error {
	c.skipped, c.lastPeer = c.lastPeer, b.id
	if c.ignored(b.id) {
		return c.skip(p)
	}
	// A handler that is slow to release its streams does not use up the places
	// of a client that has ended them, but for so many.
	if len(c.streams.list) >= c.maxStreams || c.live >= 2*c.maxStreams {
		if err := c.skip(p); err != nil {
			return err
		}
		return c.refuseID(b.id, RefusedStream)
	}
	c.control.give(perHead)
	s := c.newStream(b.id)
	r := c.h.NewRequest(s)
	q := &c.pool.request
	q.begin(r)
	err, malformed := c.decode(p, q)
	if err != nil {
		return err
	}
	if malformed == nil {
		malformed = q.complete()
	}
	q.r = nil
	if malformed == nil && !s.begin(r.Length, b.end) {
		malformed = errLength
	}
	if malformed == nil && b.loop {
		malformed = errDependency
	}
	if malformed != nil {
		return c.refuse(s, codeOf(malformed))
	}
	c.h.Head(s, b.end)
	return nil
}

// skip reads a header block of a stream that is not dealt with.
func (c *Conn) skip(p []byte) *Error {
	if err := c.chargeControl(); err != nil {
		return err
	}
	err, _ := c.decode(p, nil)
	return err
}

// begin notes that the message has begun, with a body of an announced length or
// -1, and reports whether that agrees with its end.
func (s *Stream) begin(length int64, end bool) bool {
	s.head, s.remaining, s.remoteEnded = true, length, end
	return s.count(0, end)
}

// responseHead takes the head of a response, interim or final.
func (c *Conn) responseHead(s *Stream, b *block, p []byte) *Error {
	r := c.h.NewResponse(s)
	q := &c.pool.response
	*q = responseFields{r: r}
	err, malformed := c.decode(p, q)
	if err != nil {
		return err
	}
	if malformed == nil {
		malformed = q.complete()
	}
	q.r = nil
	if malformed == nil {
		malformed = s.beginResponse(r, b.end)
	}
	if malformed != nil {
		return c.refuse(s, codeOf(malformed))
	}
	c.settle(s)
	c.h.Head(s, b.end)
	return nil
}

func (s *Stream) beginResponse(r *h1.Response, end bool) error {
	if r.Status < 200 {
		if s.interim++; s.interim > maxInterim {
			return h1.ErrTooManyFields
		}
		if end {
			return errInterim
		}
		return nil
	}
	length := r.Length
	if r.Bodiless(s.bodiless) {
		length = 0
	}
	if !s.begin(length, end) {
		return errLength
	}
	return nil
}

// trailers takes the trailer section that ends a message.
func (c *Conn) trailers(s *Stream, b *block, p []byte) *Error {
	t := &c.pool.trailer
	t.section, t.n = t.section[:0], 0
	err, malformed := c.decode(p, t)
	if err != nil {
		return err
	}
	if malformed != nil {
		return c.refuse(s, codeOf(malformed))
	}
	if !b.end || !s.count(0, true) {
		return c.refuse(s, ProtocolError)
	}
	s.remoteEnded = true
	c.settle(s)
	c.h.Trailers(s, t.section)
	return nil
}
