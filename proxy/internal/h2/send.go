package h2

// Send sends data of the body and returns how much of b it took: what the
// windows, the transport and the turns of other streams permit. If that is not
// all, Writable follows. End ends the message with the last byte of b, and only
// then.
func (s *Stream) Send(b []byte, end bool) int {
	if s.closed || s.localEnded {
		return 0
	}
	c := s.c
	sent := 0
	for sent < len(b) {
		n := min(len(b)-sent, maxFrame, s.sendWindow, c.room())
		if n <= 0 || sent > 0 && c.turn && c.waiting.first != nil {
			c.wait(s)
			return sent
		}
		c.sendData(s, b[sent:sent+n], end && sent+n == len(b))
		sent += n
	}
	if len(b) == 0 && end {
		c.sendData(s, nil, true)
	}
	if end {
		s.endLocal()
	}
	return sent
}

// Room returns how much of a body Send would take now, if it were the turn of no
// other stream.
func (s *Stream) Room() int {
	if !s.sends() {
		return 0
	}
	return max(min(s.sendWindow, s.c.room()), 0)
}

func (c *Conn) sendData(s *Stream, b []byte, end bool) {
	var flags uint8
	if end {
		flags = flagEndStream
	}
	c.Out = append(appendFrameHeader(c.Out, len(b), typeData, flags, s.id), b...)
	s.sendWindow -= len(b)
	c.sendWindow -= len(b)
	c.control.give(perDataSent)
}

func (s *Stream) endLocal() {
	s.localEnded = true
	s.c.settle(s)
}
