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
	gate := x.loop.opts.Gate
	if gate.Level() < overload.ShedRequests {
		x.take(r)
		return
	}
	gate.Shed()
	x.describe(r)
	x.own = http.StatusServiceUnavailable
	x.edits = filter.Edits{retryAfter}
}

// Grow says that the connections of the loop may keep n bytes more than before.
// Drivers tell of what they have read.
func (l *Loop) Grow(n int) {
	if l.grown += n; l.grown >= overload.GlanceEvery {
		l.grown = 0
		l.opts.Gate.Glance()
	}
}

// crowded reports whether connections are to end for want of memory or time.
func (l *Loop) crowded() bool { return l.opts.Gate.Level() >= overload.StopKeepAlive }
