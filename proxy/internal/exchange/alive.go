package exchange

import (
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

// How long the other side of an HTTP/2 connection with something in progress may be
// silent before it is sent a PING, and how long it has for an answer. Clients get
// more time, as they may come by radio. A backend whose answer has been due for
// pingOverdue is asked nothing more meanwhile.
const (
	backendSilence = 10 * time.Second
	backendAnswer  = 10 * time.Second
	pingOverdue    = 3 * time.Second
	clientSilence  = 30 * time.Second
	clientAnswer   = 30 * time.Second
)

// asking notes that a backend was sent something, which it might react to.
func (b *http2Backend) asking() {
	if b.askedAt < b.conn.Heard() {
		b.askedAt = b.loop.now
	}
}

// unanswered returns for how long a PING has gone without anything coming, or zero.
func unanswered(c *h2.Conn, now int64) time.Duration {
	if _, last := c.Pings(); last > c.Heard() {
		return time.Duration(now - last)
	}
	return 0
}

// overdue reports whether the backend should have answered a PING.
func (b *http2Backend) overdue() bool { return unanswered(&b.conn, b.loop.now) >= pingOverdue }

// watch sees to it that a connection with calls is given up when nobody is there at
// its other end. What has come and was not read, as under overload, is a sign of
// life; as long as something is unsent, a PING would wait behind it.
func (b *http2Backend) watch() {
	now := b.loop.now
	waited := unanswered(&b.conn, now)
	switch {
	case !b.connected || b.ended:
	case waited >= backendAnswer:
		if b.io.Silent(Ask) {
			b.lost()
		}
	case waited == 0 && b.pings(now) && b.io.Silent(Ask):
		b.conn.Ping(now)
		b.loop.dirt(b)
	}
}

// pings reports whether it is time for a PING, and the backend will not take it for
// one too many: of those between two answers the last one is kept for when something
// was sent again, while the kernel looks after a connection on which all is quiet.
func (b *http2Backend) pings(now int64) bool {
	heard := b.conn.Heard()
	if time.Duration(now-max(heard, b.askedAt)) < backendSilence {
		return false
	}
	n, last := b.conn.Pings()
	return n == 0 || n < h2.FreePings && b.askedAt >= heard || now-last >= h2.PingEvery
}

// lost gives up a connection whose backend is silent. It is passed over as one that
// takes no connection is: it will not take the requests that are sent again.
func (b *http2Backend) lost() {
	b.proven = false
	b.to.endpoint.Failed(b.loop.now)
	b.Ended(nil)
}

// watch sees to it that a connection with streams is given up when nobody is there
// at its other end, and reports whether it was.
func (c *http2Client) watch() bool {
	now := c.loop.now
	waited := unanswered(&c.conn, now)
	quiet := now - max(c.conn.Heard(), c.since, c.said)
	switch {
	case waited >= clientAnswer:
		if c.io.Silent(Ask) {
			c.Broken()
			return true
		}
	case waited == 0 && time.Duration(quiet) >= clientSilence && c.io.Silent(Ask):
		c.conn.Ping(now)
		c.loop.dirt(c)
	}
	return false
}
