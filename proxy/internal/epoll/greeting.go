//go:build linux

package epoll

import "github.com/fleetgate/fleetgate/proxy/internal/exchange"

// greeting is what is known of a client before its handshake has ended, and it
// has a peer.
type greeting struct {
	socket *socket
	from   exchange.Origin
	since  int64

	older, newer *greeting
}

// handshakes are the greetings of a loop, in the order of their coming. When
// there are too many, the oldest has to go: an honest client is through in a
// round trip or two, so those who never finish get rid of their own kind first.
type handshakes struct {
	most, n        int
	oldest, newest *greeting
}

// add takes in a greeting, and returns the one that has to go, which is still
// to be ended; nil if none has.
func (h *handshakes) add(g *greeting) (tooMany *greeting) {
	g.older = h.newest
	if h.newest != nil {
		h.newest.newer = g
	} else {
		h.oldest = g
	}
	h.newest = g
	if h.n++; h.n > h.most {
		return h.oldest
	}
	return nil
}

// end takes out the greeting of a client, if there is one, and returns it.
func (h *handshakes) end(t *secure) *greeting {
	g := t.greeting
	if g == nil {
		return nil
	}
	t.greeting = nil
	if g.older != nil {
		g.older.newer = g.newer
	} else {
		h.oldest = g.newer
	}
	if g.newer != nil {
		g.newer.older = g.older
	} else {
		h.newest = g.older
	}
	h.n--
	return g
}
