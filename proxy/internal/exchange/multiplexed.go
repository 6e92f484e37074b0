package exchange

import "slices"

// multiplexed holds the HTTP/2 connections to backends that take exchanges, by
// destination.
type multiplexed struct {
	conns map[destination][]*http2Backend
}

// take returns a connection that takes another exchange, or nil. One whose window
// is held by slow clients comes last.
func (m *multiplexed) take(to destination) (choked *http2Backend) {
	for _, b := range m.conns[to] {
		switch {
		case !b.takes():
		case !b.choked():
			return b
		default:
			choked = b
		}
	}
	return choked
}

func (m *multiplexed) add(b *http2Backend) {
	if m.conns == nil {
		m.conns = map[destination][]*http2Backend{}
	}
	m.conns[b.to] = append(m.conns[b.to], b)
}

func (m *multiplexed) remove(b *http2Backend) {
	list := m.conns[b.to]
	if i := slices.Index(list, b); i >= 0 {
		m.conns[b.to] = slices.Delete(list, i, i+1)
	}
}

// close has no connection take a further exchange. Those that have none in
// progress end by their next Tick.
func (m *multiplexed) close() {
	for _, list := range m.conns {
		for _, b := range list {
			b.closed = true
		}
	}
	m.conns = nil
}

// sweep forgets destinations whose endpoint has left.
func (m *multiplexed) sweep() {
	for to, list := range m.conns {
		if len(list) == 0 && to.endpoint.Gone() {
			delete(m.conns, to)
		}
	}
}
