package exchange

import (
	"net/http"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// responseInterim forwards a 1xx response, and reports whether the exchange
// goes on.
func (x *exchange) responseInterim(r *h1.Response) bool {
	x.since = x.loop.now
	if x.interims++; x.interims > maxInterim {
		x.broken()
		return false
	}
	x.forget()
	x.client.interim(r)
	x.client.flush()
	return true
}

// responseHead forwards the head of the final response.
func (x *exchange) responseHead(r *h1.Response, body framing) {
	x.since = x.loop.now
	x.forget()
	x.status, x.stage = r.Status, answering
	x.try.answered = x.loop.now
	x.keepSession()
	x.auth.respond(r)
	if x.record != nil {
		x.recordFields(r)
	}
	if x.protocol == probe.GRPC {
		// An answer without messages has its status in the head.
		if status, ok := r.Value("grpc-status"); ok {
			x.noteGRPC(status)
		}
	}
	x.client.head(r, body)
}

// responseData forwards a part of the response's body; in a tunnel, whatever
// the backend sends.
func (x *exchange) responseData(b []byte) {
	x.since = x.loop.now
	x.respondLen += uint64(len(b))
	x.client.data(b)
}

// responseEnd ends the response and the exchange. The upstream has let go of
// it before.
func (x *exchange) responseEnd(trailer []byte) {
	x.received = x.loop.now
	x.settle(balance.Answered)
	if x.protocol == probe.GRPC {
		x.noteTrailer(trailer)
	}
	x.client.end(trailer)
}

// broken ends an exchange whose backend broke it off or makes no sense. The
// client must not take what it got for whole. A backend that keeps the client's deadline
// breaks off a call when that is over, which is no failure of its own.
func (x *exchange) broken() {
	if x.overdue() {
		x.expire(requestSlow)
		return
	}
	x.flags |= flagUpstreamReset
	x.settle(balance.Broken)
	x.fail(x.unretried(502))
}

// switchProtocols makes the connections one, if the client asked for it, and
// reports whether it did.
func (x *exchange) switchProtocols(r *h1.Response) bool {
	if !x.upgrade || x.websocket && !x.accepts(r) {
		x.broken()
		return false
	}
	if h1.EqualFold(r.First(h1.Upgrade), "websocket") {
		x.protocol = probe.WebSocket
	}
	x.beginTunnel(r)
	return true
}

// bootstrapped makes the connections one, as an HTTP/2 backend has agreed to.
func (x *exchange) bootstrapped(r *h1.Response) {
	x.protocol = probe.WebSocket
	x.beginTunnel(r)
}

func (x *exchange) beginTunnel(r *h1.Response) {
	x.since = x.loop.now
	x.forget()
	x.status, x.stage = http.StatusSwitchingProtocols, tunnel
	x.deadline, x.tryDeadline = 0, 0
	x.try.answered = x.loop.now
	// The request's end was that of its body; what follows is the tunnel.
	x.requestEnded = false
	x.keepSession()
	x.auth.respond(r)
	if x.record != nil {
		// A tunnel may last for days; what is recorded is how it came to be.
		x.recordFields(r)
		x.recordStatus(x.status)
		x.recordOutcome(balance.Answered)
		x.endRecord()
	}
	for _, side := range []passage{x.client, x.up} {
		if p, ok := side.wire().(Patient); ok {
			p.Patient()
		}
	}
	x.client.switched(r)
}

// upstreamEnd says that the backend has ended its half of the tunnel.
func (x *exchange) upstreamEnd() {
	x.upstreamEnded = true
	x.client.shut()
	x.tunnelEnd()
}

// tunnelEnded reports whether both sides have ended their halves of a tunnel.
func (x *exchange) tunnelEnded() bool {
	return x.stage == tunnel && x.requestEnded && x.upstreamEnded
}

// tunnelEnd ends the tunnel once both sides have, and each has taken what the
// other one said last.
func (x *exchange) tunnelEnd() {
	if !x.tunnelEnded() || x.client.blocked() || x.up.blocked() {
		return
	}
	x.received = x.loop.now
	x.settle(balance.Answered)
	x.client.end(nil)
}
