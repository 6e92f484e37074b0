//go:build linux

package epoll

import "github.com/fleetgate/fleetgate/proxy/internal/balance"

// pool holds the idle connections to backends, by endpoint. The one that was
// used last is taken first, so that those which are not needed grow old.
type pool struct {
	idle map[*balance.Endpoint]*[]*backend
	size int
}

func (p *pool) take(l *loop, e *balance.Endpoint, checked bool) *backend {
	list := p.idle[e]
	if list == nil {
		return nil
	}
	for n := len(*list); n > 0; n-- {
		b := (*list)[n-1]
		(*list)[n-1] = nil
		*list = (*list)[:n-1]
		p.size--
		if !b.readable && (!checked || silent(b.fd)) {
			return b
		}
		l.kill(&b.socket)
	}
	return nil
}

// put takes back a connection whose last response was read to its end.
func (p *pool) put(l *loop, b *backend) {
	switch {
	case b.hup || b.broken || len(b.out) > 0 || b.endpoint.Gone() || l.stopping, b.readable && !silent(b.fd):
		l.kill(&b.socket)
		return
	}
	b.readable, b.idleSince = false, l.state.Now()
	if p.idle == nil {
		p.idle = map[*balance.Endpoint]*[]*backend{}
	}
	list := p.idle[b.endpoint]
	if list == nil {
		list = new([]*backend)
		p.idle[b.endpoint] = list
	}
	*list = append(*list, b)
	p.size++
}

// remove closes an idle connection that its backend has ended.
func (p *pool) remove(l *loop, b *backend) {
	p.filter(l, b.endpoint, func(o *backend) bool { return o == b })
}

// expire closes connections that are idle since before a time, or whose
// endpoint has left its Service.
func (p *pool) expire(l *loop, before int64) {
	for e := range p.idle {
		p.filter(l, e, func(b *backend) bool { return b.idleSince < before || e.Gone() })
		if len(*p.idle[e]) == 0 {
			delete(p.idle, e)
		}
	}
}

func (p *pool) filter(l *loop, e *balance.Endpoint, drop func(*backend) bool) {
	list := p.idle[e]
	if list == nil {
		return
	}
	kept := (*list)[:0]
	for _, b := range *list {
		if drop(b) {
			l.kill(&b.socket)
			p.size--
		} else {
			kept = append(kept, b)
		}
	}
	clear((*list)[len(kept):])
	*list = kept
}
