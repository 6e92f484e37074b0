package exchange

// pool holds the idle HTTP/1 connections to backends, by destination. The one that
// was used last is taken first, so that those which are not needed grow old.
type pool struct {
	idle map[destination]*[]*http1Backend
}

// take returns an idle connection, or nil.
func (p *pool) take(to destination, look Look) *http1Backend {
	list := p.idle[to]
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

// put takes in a connection that is idle.
func (p *pool) put(b *http1Backend) {
	b.idleSince = b.loop.now
	if p.idle == nil {
		p.idle = map[destination]*[]*http1Backend{}
	}
	list := p.idle[b.to]
	if list == nil {
		list = new([]*http1Backend)
		p.idle[b.to] = list
	}
	*list = append(*list, b)
	b.loop.idleConns.add(&b.idle)
	// Read on, to see it end.
	b.io.Resume()
}

// remove takes out a connection, which may be none of the pool's.
func (p *pool) remove(b *http1Backend) {
	list := p.idle[b.to]
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

// close closes what is idle.
func (p *pool) close() {
	for _, list := range p.idle {
		for _, b := range *list {
			b.cancel()
		}
	}
	p.idle = nil
}

// sweep forgets destinations whose endpoint has left.
func (p *pool) sweep() {
	for to, list := range p.idle {
		if len(*list) == 0 && to.endpoint.Gone() {
			delete(p.idle, to)
		}
	}
}
