package exchange

import (
	"net/http"

	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// retryAfter tells a client that was turned away when to come again (RFC 9110,
// section 10.2.3).
var retryAfter = &filter.HeaderEdits{Set: []filter.HeaderLine{{Name: "retry-after", Line: []byte("Retry-After: 1\r\n")}}}

// admit takes a request, or decides to answer it 503 while the proxy has more
// than it can do.
func (x *exchange) admit(r *h1.Request) {
	if !x.loop.sheds() {
		x.take(r)
		return
	}
	x.describe(r)
	x.shed()
}

// shed has the request answered 503.
func (x *exchange) shed() {
	x.loop.opts.Gate.Shed()
	x.own = http.StatusServiceUnavailable
	x.edits = filter.Edits{retryAfter}
}

// shedLate has a request that was taken in before the level rose answered 503: a
// burst of them may all wait for connections, which would take what is left of
// the memory.
func (x *exchange) shedLate() {
	if x.reported() {
		x.loop.opts.Gate.Shed()
	}
	x.edits = filter.Edits{retryAfter}
}

// turnAway answers a request before its head is complete: the rest would be kept
// for the same answer.
func (c *http1Client) turnAway() {
	c.x, c.phase, c.used = c.begin(c, c.since), inBody, true
	c.x.shed()
	c.refuse(http.StatusServiceUnavailable)
}

// sheds reports whether new requests are answered 503.
func (l *Loop) sheds() bool { return l.opts.Gate.Level() >= overload.ShedRequests }

// Grow says that the connections of the loop may keep n bytes more than before.
// Drivers tell of what they have read.
func (l *Loop) Grow(n int) {
	if l.unseen -= n; l.unseen <= 0 {
		l.unseen = l.opts.Gate.Glance()
	}
}

// crowded reports whether connections are to end for want of memory or time.
func (l *Loop) crowded() bool { return l.opts.Gate.Level() >= overload.StopKeepAlive }
