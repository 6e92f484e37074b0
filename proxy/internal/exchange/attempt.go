package exchange

// reuse says which connections may carry a request.
type reuse uint8

const (
	// reuseAny takes an idle connection if there is one.
	reuseAny reuse = iota
	// reuseAsked takes an idle connection only after asking the kernel whether
	// the backend has closed it.
	reuseAsked
	// reuseNone always dials.
	reuseNone
)

// reuseFor says which connections may carry a request the first time: one that
// must not be sent twice wants a closer look at an idle connection, as it is
// not tried again once it was sent.
func reuseFor(x *exchange) reuse {
	if x.idempotent {
		return reuseAny
	}
	return reuseAsked
}

// attempt sends the request to an endpoint. While nothing was sent, another
// endpoint is as good as the one that cannot be reached.
func (x *exchange) attempt(r reuse) {
	l := x.loop
	if t := x.rule.BackendTimeout; t > 0 {
		x.tryDeadline = l.now + int64(t)
		l.wakeAt(x.tryDeadline)
	}
	x.endpoint = x.backend.Cluster.Pick(l.now)
	if x.endpoint == nil {
		x.unavailable()
		return
	}
	x.attempts++
	x.connectBy = l.now + int64(l.limits.Connect)
	if !l.connect(x, r) {
		x.unavailable()
	}
}

func (x *exchange) unavailable() {
	x.flags |= flagUpstreamFailed
	x.fail(503)
}

// asked says that the request is on its way to the backend.
func (x *exchange) asked() {
	x.stage, x.connecting = asking, false
	if x.sent == 0 {
		x.sent = x.loop.now
	}
}

// connectFailed tries another endpoint, if there is one left to try; else the
// request is answered with the status. The upstream has let go of the exchange.
func (x *exchange) connectFailed(status int) {
	l := x.loop
	x.since = l.now
	x.endpoint.Failed(l.now)
	if x.connects++; x.connects < maxConnects {
		x.flags |= flagRetried
		x.attempt(reuseFor(x))
		return
	}
	x.flags |= flagUpstreamFailed
	x.fail(status)
}

// unanswered handles a connection that ended before the response. The backend
// may have closed it before the request came to it: one that was reused for
// being idle, a new one because the backend is shutting down with it still in
// its accept queue. The request goes over a new connection then, if sending it
// twice does no harm. The upstream has let go of the exchange.
func (x *exchange) unanswered(begun bool) {
	x.since = x.loop.now
	if !x.idempotent || begun {
		x.broken()
		return
	}
	x.again()
}

// again sends the request over another connection, if all that was sent of it
// is still there and it was not tried too often. The upstream has let go of the
// exchange, which the backend has not acted upon or may act upon twice.
func (x *exchange) again() {
	x.since = x.loop.now
	if x.streamed || x.interims > 0 || x.retries >= maxRetries {
		x.broken()
		return
	}
	x.retries++
	x.flags |= flagRetried
	x.stage = gathering
	x.attempt(reuseNone)
}
