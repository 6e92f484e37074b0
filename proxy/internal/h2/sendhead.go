package h2

import "github.com/fleetgate/fleetgate/proxy/internal/h1"

// CanOpen reports whether Open may be called: the backend takes another stream.
func (c *Conn) CanOpen() bool {
	return c.role == Client && c.err == nil && !c.goingAway && c.draining == running &&
		c.nextID < maxStream && len(c.streams.list) < c.maxStreams
}

// Settled reports whether the peer's first settings have come.
func (c *Conn) Settled() bool { return c.phase == open }

// TakesConnect reports whether the peer has said that it takes extended CONNECT
// (RFC 8441).
func (c *Conn) TakesConnect() bool { return c.connect }

// Open opens a stream and begins the head of its request; Field and EndHead have
// to follow before any other call.
func (c *Conn) Open(owner any, t *h1.Target) *Stream {
	s := c.newStream(c.nextID)
	c.nextID += 2
	s.Owner = owner
	s.bodiless = string(t.Method) == "HEAD"
	c.beginHead(s)
	c.Out = appendTarget(c.Out, t)
	return s
}

// Respond begins the head of a response, which may be an interim one; Field and
// EndHead have to follow before any other call.
func (s *Stream) Respond(status int) {
	if !s.sends() {
		return
	}
	s.c.beginHead(s)
	s.c.Out = appendStatus(s.c.Out, status)
}

func (s *Stream) sends() bool { return !s.closed && !s.localEnded && s.c.err == nil }

func (c *Conn) beginHead(s *Stream) {
	c.headAt = len(c.Out)
	c.Out = appendFrameHeader(c.Out, 0, typeHeaders, 0, s.id)
	if !c.silent {
		c.silent = true
		c.Out = append(c.Out, emptyTable)
	}
}

// Field adds a field to the head that was begun. Its name may be in any case.
func (s *Stream) Field(name, value []byte) {
	if s.c.headAt >= 0 {
		s.c.Out = appendField(s.c.Out, name, value)
	}
}

// EndHead ends the head that was begun; end ends the message with it.
func (s *Stream) EndHead(end bool) {
	c := s.c
	if c.headAt < 0 {
		return
	}
	if end {
		c.Out[c.headAt+4] = flagEndStream
	}
	c.splitBlock(s.id)
	c.headAt = -1
	if end {
		s.endLocal()
	}
}

// SendTrailers ends the message with those fields of a trailer section that may
// travel on in one; see h1.Decoder.Trailer.
func (s *Stream) SendTrailers(section []byte) {
	if !s.sends() {
		return
	}
	c := s.c
	c.beginHead(s)
	empty := len(c.Out)
	for name, value := range h1.TrailerFields(section) {
		c.Out = appendField(c.Out, name, value)
	}
	if len(c.Out) == empty {
		c.Out = c.Out[:c.headAt]
		c.headAt = -1
		s.Send(nil, true)
		return
	}
	s.EndHead(true)
}

// splitBlock fills in the length of the frame that the head is in, and makes as
// many CONTINUATION frames of the rest as are needed.
func (c *Conn) splitBlock(id uint32) {
	at := c.headAt
	length := len(c.Out) - at - frameHeader
	more := max(length-1, 0) / maxFrame
	for range more {
		c.Out = append(c.Out, make([]byte, frameHeader)...)
	}
	// From the last one, each frame moves behind the headers of those before it.
	for i := more; i > 0; i-- {
		from := at + frameHeader + i*maxFrame
		size := min(length-i*maxFrame, maxFrame)
		to := from + i*frameHeader
		copy(c.Out[to:], c.Out[from:from+size])
		appendFrameHeader(c.Out[:to-frameHeader], size, typeContinuation, endHeaders(i == more), id)
	}
	size := min(length, maxFrame)
	flags := c.Out[at+4] | endHeaders(more == 0)
	appendFrameHeader(c.Out[:at], size, typeHeaders, flags, id)
}

func endHeaders(last bool) uint8 {
	if last {
		return flagEndHeaders
	}
	return 0
}
