package h2

func (c *Conn) data(f *frame) *Error {
	if f.id == 0 {
		return errStreamID
	}
	n := len(f.payload)
	if n > c.recvWindow {
		return errFlowControl
	}
	p, err := f.unpad()
	if err != nil {
		return err
	}
	if err := c.chargeData(f, len(p)); err != nil {
		return err
	}
	c.recvWindow -= n
	s := c.streams.find(f.id)
	if s == nil {
		return c.dataOnClosed(f)
	}
	if code := s.admits(n, len(p), f.has(flagEndStream)); code != NoError {
		c.credit(n)
		return c.refuse(s, code)
	}
	c.deliver(s, p, n-len(p), f.has(flagEndStream))
	return nil
}

// chargeData pays for a frame without data, and gives credit for one that has.
func (c *Conn) chargeData(f *frame, n int) *Error {
	if n == 0 && !f.has(flagEndStream) {
		return c.chargeControl()
	}
	c.control.give(perDataReceived)
	return nil
}

// admits returns NoError if s may receive n bytes of which so many are data.
func (s *Stream) admits(n, data int, end bool) Code {
	switch {
	case s.remoteEnded:
		return StreamClosed
	case !s.head:
		return ProtocolError
	case n > s.recvWindow:
		return FlowControlError
	case !s.count(data, end):
		return ProtocolError
	}
	return NoError
}

func (c *Conn) deliver(s *Stream, p []byte, padding int, end bool) {
	s.recvWindow -= len(p) + padding
	s.pending += len(p)
	s.remoteEnded = end
	c.credit(padding)
	if !end {
		s.credit(padding)
		if len(p) == 0 {
			return
		}
	}
	c.settle(s)
	c.h.Data(s, p, end)
}

// dataOnClosed takes data that nobody wants; it counts for the connection's
// window nevertheless.
func (c *Conn) dataOnClosed(f *frame) *Error {
	if c.idle(f.id) {
		return errIdle
	}
	c.credit(len(f.payload))
	if c.reset.has(f.id) || c.ignored(f.id) {
		return c.chargeControl()
	}
	return c.refuseID(f.id, StreamClosed)
}

// ignored reports whether a stream came after the last one that we deal with.
func (c *Conn) ignored(id uint32) bool { return c.role == Server && id > c.goAwayLast }
