package h2

import "encoding/binary"

// drain is how far we have ended the connection.
type drain uint8

const (
	running drain = iota
	announced
	drained
)

// Drain ends the connection gracefully, in two steps (RFC 9113, section 6.8).
// The first call says that the connection ends, when streams may already be on
// their way. The peer's answer, or a second call, says which stream is the last
// one that is dealt with; later ones are ignored. When Drained reports true the
// connection is to be closed.
func (c *Conn) Drain() {
	if c.err != nil || c.draining == drained {
		return
	}
	if c.role == Client {
		// Without push, a server has no streams to be told of.
		c.draining = drained
		c.Out = appendGoAway(c.Out, 0, NoError, "")
		return
	}
	if c.draining == running {
		c.draining = announced
		c.Out = appendGoAway(c.Out, maxStream, NoError, "")
		c.Out = appendPing(c.Out, 0, drainPing)
		return
	}
	c.draining, c.goAwayLast = drained, c.lastPeer
	c.Out = appendGoAway(c.Out, c.lastPeer, NoError, "")
}

// Drained reports whether Drain has been completed and no stream is left.
func (c *Conn) Drained() bool {
	return c.draining == drained && len(c.streams.list) == 0
}

// Leaving reports whether the peer has said that it accepts no further streams.
func (c *Conn) Leaving() bool { return c.goingAway }

// goAway takes a GOAWAY. A backend has not acted upon the streams above its last
// one; a client, which opens the streams itself, has nothing to say with it but
// that it will open no more.
func (c *Conn) goAway(f *frame) *Error {
	if f.id != 0 {
		return errStreamID
	}
	if len(f.payload) < 8 {
		return errFrameSize
	}
	if err := c.chargeControl(); err != nil {
		return err
	}
	if c.role == Client {
		last := binary.BigEndian.Uint32(f.payload) & maxStream
		if last > c.goAwayLast {
			return errGoAway
		}
		c.goAwayLast = last
	}
	first := !c.goingAway
	c.goingAway = true
	if c.role == Client {
		c.refuseAbove(c.goAwayLast)
	}
	if first {
		c.h.GoingAway()
	}
	return nil
}

func (c *Conn) refuseAbove(last uint32) {
	for n := len(c.streams.list); n > 0; n = len(c.streams.list) {
		s := c.streams.list[n-1]
		if s.id <= last {
			return
		}
		c.remove(s)
		c.h.Reset(s, RefusedStream, true)
	}
}
