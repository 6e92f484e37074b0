//go:build linux

package epoll

import (
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// greeting is what is known of a client before its handshake has ended, and it
// has a peer.
type greeting struct {
	socket *socket
	from   exchange.Origin
	since  int64
	// heard is how much of the handshake has come.
	heard int

	older, newer *greeting
}

// hear takes note of what came, and reports whether it is too much.
func (g *greeting) hear(n int, level overload.Level) (tooMuch bool) {
	g.heard += n
	return g.heard > level.Hearing()
}

// slow reports whether a client takes too long with its handshake.
func (g *greeting) slow(now int64, level overload.Level) bool {
	return time.Duration(now-g.since) > min(handshakeTime, level.Patience())
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
