package exchange

import "time"

// Leaving implements Peer.
func (c *http1Client) Leaving() {
	if c.left {
		return
	}
	c.left = true
	if c.x != nil {
		c.x.since = c.loop.now
	}
}

// Ended implements Peer.
func (c *http1Client) Ended(err error) {
	if err != nil {
		c.Broken()
		return
	}
	c.Leaving()
	c.ended = true
	switch c.phase {
	case idle:
		c.pump()
	case linger:
		c.close()
	case inBody:
		c.refuse(400)
	case inTunnel:
		c.x.requestEnd(nil)
	}
}

// Broken implements Peer.
func (c *http1Client) Broken() {
	if c.phase == closed {
		return
	}
	if c.x != nil {
		c.x.flags |= flagClientCancel
	}
	c.abort()
}

// CloseIdle implements Peer. The first request of a connection may be on its
// way.
func (c *http1Client) CloseIdle() {
	fresh := !c.used && time.Duration(c.loop.now-c.since) < freshTime
	if c.phase == idle && c.keptLen() == 0 && !fresh {
		c.close()
	}
}

// Tick implements Peer.
func (c *http1Client) Tick() {
	c.own.sweep()
	if c.x != nil {
		c.x.tick()
		return
	}
	at, what := c.next()
	switch {
	case what == never || c.loop.now < at:
	case what == connectionIdle:
		c.close()
	case what == headSlow:
		c.x, c.phase = c.begin(c, c.since), inBody
		c.x.flags |= flagTimeout
		c.refuse(408)
	default:
		c.abort()
	}
}

// next returns the instant at which something outside of an exchange will have
// taken too long.
func (c *http1Client) next() (at int64, what expiry) {
	lim := &c.loop.limits
	switch {
	case c.phase == linger:
		return c.since + int64(lim.Linger), connectionIdle
	case c.phase != idle:
		return 0, never
	case c.unsent:
		return c.since + int64(lim.Stall), clientStalled
	case c.keptLen() > 0:
		return c.since + int64(lim.Head), headSlow
	}
	return c.since + int64(lim.Idle), connectionIdle
}

// close ends the connection after what was written.
func (c *http1Client) close() {
	c.release()
	c.io.Close()
}

// release gives back what the connection holds.
func (c *http1Client) release() {
	if c.phase == closed {
		return
	}
	c.dropKept()
	c.loop.discardFor(c)
	c.phase = closed
	c.loop.Open.Add(-1)
	if x := c.x; x != nil {
		c.x = nil
		x.finish()
	}
	c.own.close()
}

// lingerOn closes the sending side, and drops input for a while.
func (c *http1Client) lingerOn() {
	c.dropKept()
	if c.ended {
		c.close()
		return
	}
	c.phase, c.since = linger, c.loop.now
	c.io.Shutdown()
}
