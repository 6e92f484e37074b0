package h2

import "encoding/binary"

// drainPing marks the PING whose answer says that the peer has seen our first
// GOAWAY.
var drainPing = []byte("drained?")

func (c *Conn) ping(f *frame) *Error {
	if f.id != 0 {
		return errStreamID
	}
	if len(f.payload) != 8 {
		return errFrameSize
	}
	if f.has(flagAck) {
		if c.draining == announced && string(f.payload) == string(drainPing) {
			c.Drain()
		}
		return c.chargeControl()
	}
	if err := c.chargeControl(); err != nil {
		return err
	}
	c.Out = appendPing(c.Out, flagAck, f.payload)
	return c.answer()
}

// priority takes a PRIORITY frame, which changes nothing, but is checked.
func (c *Conn) priority(f *frame) *Error {
	if f.id == 0 {
		return errStreamID
	}
	s := c.streams.find(f.id)
	switch {
	case len(f.payload) != 5:
		if s != nil {
			return c.refuse(s, FrameSizeError)
		}
		return errFrameSize
	case binary.BigEndian.Uint32(f.payload)&maxStream == f.id:
		if s != nil {
			return c.refuse(s, ProtocolError)
		}
		// A stream that is not open cannot be reset.
		return errDependency
	}
	return c.chargeControl()
}

func (c *Conn) resetFrame(f *frame) *Error {
	if f.id == 0 {
		return errStreamID
	}
	if len(f.payload) != 4 {
		return errFrameSize
	}
	if c.idle(f.id) {
		return errIdle
	}
	if s := c.streams.find(f.id); s != nil {
		code := Code(binary.BigEndian.Uint32(f.payload))
		c.remove(s)
		c.h.Reset(s, code, c.role == Client && code == RefusedStream)
		return c.chargeReset()
	}
	return c.chargeControl()
}

func (c *Conn) windowUpdate(f *frame) *Error {
	if len(f.payload) != 4 {
		return errFrameSize
	}
	if err := c.chargeControl(); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint32(f.payload) & maxWindow)
	if f.id != 0 {
		return c.streamUpdate(f.id, n)
	}
	switch {
	case n == 0:
		return errIncrement
	case c.sendWindow+n > maxWindow:
		return errWindow
	}
	c.sendWindow += n
	c.wake()
	return nil
}

func (c *Conn) streamUpdate(id uint32, n int) *Error {
	if c.idle(id) {
		return errIdle
	}
	s := c.streams.find(id)
	switch {
	case s == nil:
		return nil
	case n == 0:
		return c.refuse(s, ProtocolError)
	case s.sendWindow+n > maxWindow:
		return c.refuse(s, FlowControlError)
	}
	s.sendWindow += n
	c.mayWake(s)
	c.wake()
	return nil
}
