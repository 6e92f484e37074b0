package h2

// Receive takes input, in pieces of any size. Now is the time in nanoseconds,
// on any clock that does not go back. Once the connection has failed, further
// input is ignored.
func (c *Conn) Receive(now int64, b []byte) {
	c.now = now
	for len(b) > 0 && c.err == nil {
		if c.in == nil {
			b = c.receiveWhole(b)
		} else {
			b = c.receiveRest(b)
		}
	}
}

// Expecting returns since when the peer owes the rest of something small: of the
// preface, of a head, of a frame other than one of DATA.
func (c *Conn) Expecting() (since int64, ok bool) {
	switch {
	case c.phase != open || c.block.id != 0:
		return c.expectedSince, true
	case c.in == nil:
		return 0, false
	}
	return c.expectedSince, len(c.in) < frameHeader || c.in[3] != typeData
}

// Room returns how many bytes can be received with little more memory than the
// connection has: a frame of which some has come may have room for its rest.
func (c *Conn) Room() int {
	if c.in == nil {
		return smallBuffer
	}
	return cap(c.in) - len(c.in)
}

// receiveWhole takes a unit that lies in b, or keeps the part of it that does.
func (c *Conn) receiveWhole(b []byte) (rest []byte) {
	n, err := c.unit(b)
	switch {
	case err != nil:
		c.fail(err)
		return nil
	case n > len(b):
		c.in = append(c.pool.buffer(len(b)), b...)
		if c.block.id == 0 {
			c.expectedSince = c.now
		}
		return nil
	}
	c.process(b[:n])
	return b[n:]
}

// receiveRest adds to the unit whose beginning is kept.
func (c *Conn) receiveRest(b []byte) (rest []byte) {
	n, err := c.unit(c.in)
	if err == nil {
		m := min(n-len(c.in), len(b))
		c.in = c.pool.extend(c.in, b[:m])
		b = b[m:]
		n, err = c.unit(c.in)
	}
	if err != nil {
		c.fail(err)
		return nil
	}
	if n > len(c.in) {
		return b
	}
	in := c.in
	c.in = nil
	c.process(in)
	c.pool.putBuffer(in)
	return b
}

// unit returns the length of the unit that b, which is not empty, begins with:
// of the preface, of a frame, or of a frame's header if that is not whole.
func (c *Conn) unit(b []byte) (int, *Error) {
	if c.phase == atPreface {
		n := min(len(b), len(preface))
		if string(b[:n]) != preface[:n] {
			return 0, errPreface
		}
		return len(preface), nil
	}
	if len(b) < frameHeader {
		return frameHeader, nil
	}
	n := frameLen(b)
	if n > maxFrame {
		return 0, errFrameSize
	}
	return frameHeader + n, nil
}

func (c *Conn) process(unit []byte) {
	if c.phase == atPreface {
		c.phase = atFirstFrame
		return
	}
	f := parseFrame(unit)
	if err := c.frame(&f); err != nil {
		c.fail(err)
	}
}

func (c *Conn) frame(f *frame) *Error {
	if c.phase == atFirstFrame {
		if f.kind != typeSettings || f.has(flagAck) {
			return errFirstFrame
		}
		c.phase = open
	}
	if c.block.id != 0 && (f.kind != typeContinuation || f.id != c.block.id) {
		return errContinuation
	}
	switch f.kind {
	case typeData:
		c.pings.n = 0
		return c.data(f)
	case typeHeaders:
		c.pings.n = 0
		return c.headers(f)
	case typeContinuation:
		return c.continuation(f)
	case typeReset:
		return c.resetFrame(f)
	case typeWindowUpdate:
		return c.windowUpdate(f)
	}
	return c.controlFrame(f)
}

// controlFrame takes the frames that need neither data nor a request.
func (c *Conn) controlFrame(f *frame) *Error {
	switch f.kind {
	case typePriority:
		return c.priority(f)
	case typeSettings:
		return c.settings(f)
	case typePing:
		return c.ping(f)
	case typeGoAway:
		return c.goAway(f)
	case typePush:
		return errPush
	}
	// RFC 9113, section 5.5: unknown frames are ignored.
	return c.chargeControl()
}
