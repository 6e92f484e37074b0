package exchange

import "github.com/fleetgate/fleetgate/proxy/internal/balance"

// pool holds the idle HTTP/1 connections to backends, by endpoint. The one that
// was used last is taken first, so that those which are not needed grow old.
type pool struct {
	idle map[*balance.Endpoint]*[]*http1Backend
}

// take returns an idle connection, or nil.
func (p *pool) take(e *balance.Endpoint, look Look) *http1Backend {
	list := p.idle[e]
	if list == nil {
		return nil
	}
	for n := len(*list); n > 0; n-- {
		b := (*list)[n-1]
		(*list)[n-1] = nil
		*list = (*list)[:n-1]
		if b.io.Silent(look) {
			return b
		}
		b.cancel()
	}
	return nil
}

// put takes back a connection whose last response was read to its end.
func (p *pool) put(b *http1Backend) {
	if b.endpoint.Gone() || !b.io.Silent(Glance) {
		b.cancel()
		return
	}
	b.idleSince = b.loop.now
	if p.idle == nil {
		p.idle = map[*balance.Endpoint]*[]*http1Backend{}
	}
	list := p.idle[b.endpoint]
	if list == nil {
		list = new([]*http1Backend)
		p.idle[b.endpoint] = list
	}
	*list = append(*list, b)
	// Read on, to see it end.
	b.io.Resume()
}

// remove takes out a connection, which may be none of the pool's.
func (p *pool) remove(b *http1Backend) {
	list := p.idle[b.endpoint]
	if list == nil {
		return
	}
	for i, o := range *list {
		if o == b {
			*list = append((*list)[:i], (*list)[i+1:]...)
			break
		}
	}
}

// sweep forgets endpoints that have left.
func (p *pool) sweep() {
	for e, list := range p.idle {
		if len(*list) == 0 && e.Gone() {
			delete(p.idle, e)
		}
	}
}

// connect has a connection to the exchange's endpoint serve it. It returns
// false if there is none to be had.
func (l *Loop) connect(x *exchange, r reuse) bool {
	if r != reuseNone {
		look := Glance
		if r == reuseAsked {
			look = Ask
		}
		if b := l.pool.take(x.endpoint, look); b != nil {
			b.serve(x)
			return true
		}
	}
	b := &http1Backend{loop: l, endpoint: x.endpoint}
	if b.io = l.dialer.Dial(x.endpoint, b); b.io == nil {
		return false
	}
	l.wakeAt(x.connectBy)
	b.serve(x)
	return true
}
