package exchange

import (
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// destination is what connections to backends are pooled by: one that was made
// in one way must not serve what wants another.
type destination struct {
	endpoint  *balance.Endpoint
	transport *snapshot.Transport
}

// connect has a connection to the exchange's endpoint serve it. It returns
// false if there is none to be had.
func (l *Loop) connect(x *exchange, r reuse) bool {
	to := destination{x.try.endpoint, x.backend.Transport}
	h := l.homeOf(x)
	if to.transport.HTTP2 {
		return l.connectHTTP2(x, h, to, r)
	}
	if r != reuseNone {
		look := Glance
		if r == reuseAsked {
			look = Ask
		}
		if b := h.pool.take(to, look); b != nil {
			b.serve(x)
			return true
		}
	}
	b := &http1Backend{loop: l, home: h, to: to}
	if b.io = l.dial(x, h, to, b); b.io == nil {
		return false
	}
	b.idle = l.idleConns.enter(to.endpoint, b.giveUp)
	b.serve(x)
	return true
}

func (l *Loop) connectHTTP2(x *exchange, h *home, to destination, r reuse) bool {
	var old *http2Backend
	if r != reuseNone {
		old = h.multiplexed.take(to)
	}
	if old != nil && (!old.choked() || l.sheds()) {
		return old.serve(x)
	}
	b := &http2Backend{loop: l, home: h, to: to}
	if b.io = l.dial(x, h, to, b); b.io == nil {
		return old != nil && old.serve(x)
	}
	b.idle = l.idleConns.enter(to.endpoint, b.giveUp)
	if h.closed {
		// It is for a copy whose client has gone, and for nothing after that.
		b.closed = true
	} else {
		h.multiplexed.add(b)
	}
	b.serve(x)
	return true
}

// dial begins a connection for the exchange, within the limits of its backend
// and unless requests are shed, or returns nil.
func (l *Loop) dial(x *exchange, h *home, to destination, b Backend) Transport {
	if l.sheds() {
		x.shedLate()
		return nil
	}
	if !x.queue() || !l.reserve(to.endpoint) {
		return nil
	}
	header := h.header(to.transport.SentProxy)
	io := l.dialer.Dial(to.endpoint, to.transport.TLS, header, b)
	if io == nil && l.makeRoom(nil) {
		io = l.dialer.Dial(to.endpoint, to.transport.TLS, header, b)
	}
	if io == nil {
		l.opts.Gate.Lack(l.now)
		to.endpoint.Disconnected()
		return nil
	}
	l.wakeAt(x.connectBy)
	return io
}
