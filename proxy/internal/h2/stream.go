package h2

// Stream is one request and its response. It may be used until it is released;
// once it has ended, its methods do nothing.
type Stream struct {
	// Owner is for whoever uses the stream.
	Owner any

	c  *Conn
	id uint32
	// head is whether the message's head has come, for a response the final one.
	head                     bool
	remoteEnded, localEnded  bool
	closed, bodiless, queued bool
	// wants is whether Send could not take all.
	wants     bool
	interim   uint8
	remaining int64 // of the announced length, -1 if there is none

	sendWindow, recvWindow int
	// pending is what was handed over and not consumed, unacked what was
	// consumed and not given back to the peer.
	pending, unacked int

	// prev and next link the streams that wait to send.
	prev, next *Stream
}

// ID returns the stream's identifier.
func (s *Stream) ID() uint32 { return s.id }

// Ended reports whether the stream has ended, in whatever way.
func (s *Stream) Ended() bool { return s.closed }

// Consumed says that n more bytes of what Data handed over are dealt with, so
// that the peer may send as many.
func (s *Stream) Consumed(n int) {
	n = min(n, s.pending)
	s.pending -= n
	s.c.credit(n)
	if !s.closed && !s.remoteEnded {
		s.credit(n)
	}
}

func (s *Stream) credit(n int) {
	if s.unacked += n; s.unacked >= streamWindow/2 && s.c.err == nil {
		s.c.Out = appendWindowUpdate(s.c.Out, s.id, s.unacked)
		s.recvWindow += s.unacked
		s.unacked = 0
	}
}

// credit gives back n bytes of the connection's window.
func (c *Conn) credit(n int) {
	if c.unacked += n; c.unacked >= connWindow/2 && c.err == nil {
		c.Out = appendWindowUpdate(c.Out, 0, c.unacked)
		c.recvWindow += c.unacked
		c.unacked = 0
	}
}

// Pending returns how many bytes were handed over and are not dealt with.
func (c *Conn) Pending() int { return connWindow - c.recvWindow - c.unacked }

// Choked reports whether half or more of what the peer may send at all was handed
// over and is not dealt with, so that all streams may soon stand still for a few.
func (c *Conn) Choked() bool { return c.Pending() >= connWindow/2 }

// Reset ends the stream before its time. The handler is not told, even where the
// connection has failed and the stream's turn to be told of that is yet to come.
func (s *Stream) Reset(code Code) {
	c := s.c
	if s.closed {
		return
	}
	if c.err == nil {
		c.sendReset(s.id, code)
	}
	c.remove(s)
}

// Release gives the stream up; it must not be used after. One that has not
// ended is reset: with NO_ERROR if the response was complete, so that the client
// takes it for what it is (RFC 9113, section 8.1), else with CANCEL.
func (s *Stream) Release() {
	c := s.c
	code := Cancel
	if c.role == Server && s.localEnded {
		code = NoError
	}
	s.Reset(code)
	s.Consumed(s.pending)
	c.live--
	c.pool.putStream(s)
}

// settle ends s if both sides have ended it.
func (c *Conn) settle(s *Stream) {
	if s.remoteEnded && s.localEnded && !s.closed {
		c.remove(s)
		c.resets.give(1)
	}
}

// count takes in n bytes of a body and reports whether they agree with its
// announced length.
func (s *Stream) count(n int, end bool) bool {
	if s.remaining < 0 {
		return true
	}
	s.remaining -= int64(n)
	return s.remaining >= 0 && (!end || s.remaining == 0)
}
