package exchange

import "time"

// expiry is what has taken too long.
type expiry uint8

const (
	never expiry = iota
	connectionIdle
	headSlow
	bodySlow
	clientStalled
	clientLeft
	connectSlow
	backendSlow
	requestSlow
)

// SweepEvery is how often a driver calls Tick for every Conn.
const SweepEvery = time.Second

// wakeAt asks for a Tick at an instant, if the coarse sweep would miss it. What
// is farther away is seen by that sweep in time.
func (l *Loop) wakeAt(at int64) {
	if at-l.now <= int64(SweepEvery) {
		l.wake = min(l.wake, at)
	}
}

// Tick lets time pass: it gives up what has taken too long. A driver calls it
// for every Conn each SweepEvery, and when Loop.Wake says so.
func (c *Conn) Tick() {
	at, what := c.next()
	if what == never {
		return
	}
	if c.loop.now < at {
		if c.x != nil {
			c.loop.wakeAt(at)
		}
		return
	}
	c.expire(what)
	c.pump()
}

// next returns the first instant at which something will have taken too long.
func (c *Conn) next() (at int64, what expiry) {
	lim := &c.loop.limits
	since := func(d int64) int64 { return c.since + d }
	switch c.phase {
	case idle:
		switch {
		case c.clientBlocked:
			return since(int64(lim.Stall)), clientStalled
		case c.keptLen() > 0:
			return since(int64(lim.Head)), headSlow
		}
		return since(int64(lim.Idle)), connectionIdle
	case linger:
		return since(int64(lim.Linger)), connectionIdle
	case tunnel:
		return since(int64(lim.Tunnel)), clientStalled
	case closed:
		return 0, never
	}
	return c.nextOfExchange()
}

func (c *Conn) nextOfExchange() (at int64, what expiry) {
	lim, x := &c.loop.limits, c.x
	consider := func(t int64, w expiry) {
		if t > 0 && (what == never || t < at) {
			at, what = t, w
		}
	}
	consider(x.deadline, requestSlow)
	if !x.begun {
		consider(x.tryDeadline, backendSlow)
	}
	switch {
	case x.up == dialing:
		consider(x.connectBy, connectSlow)
	case c.clientBlocked:
		consider(c.since+int64(lim.Stall), clientStalled)
	case c.phase == body && !c.upstreamBlocked:
		consider(c.since+int64(lim.Body), bodySlow)
	case c.upstreamBlocked:
		consider(c.since+int64(lim.Stall), backendSlow)
	case c.leaving:
		consider(c.since+int64(lim.Leaving), clientLeft)
	}
	return at, what
}

func (c *Conn) expire(what expiry) {
	switch what {
	case connectionIdle:
		c.close()
	case headSlow:
		c.begin()
		c.x.flags |= flagTimeout
		c.refuse(408)
	case bodySlow:
		c.x.flags |= flagTimeout
		c.refuse(408)
	case clientStalled, clientLeft:
		c.ClientClosed()
	case connectSlow:
		c.connectFailed(504)
	case backendSlow, requestSlow:
		c.x.flags |= flagTimeout
		c.fail(504)
	}
}
