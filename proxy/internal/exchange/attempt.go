package exchange

// reuseFor says which connections may carry a request the first time: one that
// must not be sent twice wants a closer look at an idle connection, as it is
// not tried again once it was sent.
func reuseFor(x *exchange) Reuse {
	if x.idempotent {
		return ReuseAny
	}
	return ReuseChecked
}

// attempt sends the request to an endpoint. While nothing was sent, another
// endpoint is as good as the one that cannot be reached.
func (c *Conn) attempt(r Reuse) {
	l, x := c.loop, c.x
	if t := x.rule.BackendTimeout; t > 0 {
		x.tryDeadline = l.now + int64(t)
		l.wakeAt(x.tryDeadline)
	}
	x.endpoint = x.backend.Cluster.Pick(l.now)
	if x.endpoint == nil {
		x.flags |= flagUpstreamFailed
		c.fail(503)
		return
	}
	x.attempts++
	switch c.io.Take(x.endpoint, r) {
	case Reused:
		x.reused = true
		c.send()
	case Dialing:
		x.reused, x.up = false, dialing
		x.connectBy = l.now + int64(l.limits.Connect)
		l.wakeAt(x.connectBy)
	case Unavailable:
		x.flags |= flagUpstreamFailed
		c.fail(503)
	}
}

// nextEndpoint marks the endpoint as failed, and reports whether another one
// may be tried; if not, the request is answered with the status.
func (c *Conn) nextEndpoint(status int) bool {
	x := c.x
	x.endpoint.Failed(c.loop.now)
	x.up = noUpstream
	if x.connects++; x.connects < maxConnects {
		x.flags |= flagRetried
		return true
	}
	x.flags |= flagUpstreamFailed
	c.fail(status)
	return false
}

func (c *Conn) send() {
	x := c.x
	x.up = inHead
	x.keepUpstream = false
	if x.sent == 0 {
		x.sent = c.loop.now
	}
	c.upstreamBlocked = false
	c.toUpstream(x.buf[x.message:])
}

// UpstreamConnected reports that dialing has succeeded.
func (c *Conn) UpstreamConnected() {
	c.since = c.loop.now
	c.x.endpoint.Succeeded()
	c.send()
}

// UpstreamClosed reports that dialing has failed, or that the backend has
// ended its side and all that it sent was taken. If reset is not nil, it ended
// in disorder.
func (c *Conn) UpstreamClosed(reset error) {
	x := c.x
	if x == nil || x.up == noUpstream {
		return
	}
	c.since = c.loop.now
	switch x.up {
	case dialing:
		c.connectFailed(502)
	case inHead:
		c.closedInHead()
	case inRest:
		if reset != nil {
			c.brokenOff()
			return
		}
		c.responseEnded()
		c.pump()
	case inTunnel:
		if reset != nil {
			c.abort()
			return
		}
		x.upstreamEnded = true
		c.io.ShutdownClient()
		c.endTunnel()
	default:
		c.brokenOff()
	}
}

func (c *Conn) connectFailed(status int) {
	c.closeUpstream()
	if c.nextEndpoint(status) {
		c.attempt(reuseFor(c.x))
	}
	c.pump()
}

// closedInHead handles a connection that ended before the response. The
// backend may have closed it before the request came to it: one that was reused
// for being idle, a new one because the backend is shutting down with it still
// in its accept queue. The request goes over a new connection then, if sending
// it twice does no harm.
func (c *Conn) closedInHead() {
	x := c.x
	again := x.idempotent && !x.streamed && len(x.partial) == 0 && x.interim == 0 && x.retries < maxRetries
	c.closeUpstream()
	if again {
		x.retries++
		x.flags |= flagRetried
		c.attempt(ReuseNone)
	} else {
		x.flags |= flagUpstreamReset
		c.fail(502)
	}
	c.pump()
}

// brokenOff ends a response that its backend did not end. The client must not
// take it for whole.
func (c *Conn) brokenOff() {
	c.x.flags |= flagUpstreamReset
	c.abort()
}

// closeUpstream closes the backend's connection if there is one: nothing of an
// exchange that was not completed is ever used again.
func (c *Conn) closeUpstream() {
	if c.x != nil && c.x.up != noUpstream {
		c.x.up = noUpstream
		c.upstreamBlocked = false
		c.io.CloseUpstream()
	}
}
