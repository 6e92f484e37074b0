package exchange

import (
	"net/netip"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/tracing"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

const (
	flagRetried        = probe.FlagRetried
	flagTimeout        = probe.FlagTimeout
	flagClientCancel   = probe.FlagClientCancel
	flagNoRoute        = probe.FlagNoRoute
	flagUpstreamReset  = probe.FlagUpstreamReset
	flagUpstreamFailed = probe.FlagUpstreamFailed
)

// origin is the connection that requests come by.
type origin struct {
	loop   *Loop
	io     Transport
	client netip.AddrPort
	port   uint16
	secure bool
	// serverName is what the client has named by SNI, in the form of a host.
	serverName []byte
	// own is the home of the connections that speak for the client alone; nil if
	// there were none.
	own *home
}

func (o *origin) scheme() string {
	if o.secure {
		return "https"
	}
	return "http"
}

// stage is how far an exchange has come.
type stage uint8

const (
	// gathering: what comes of the request is kept in the buffer.
	gathering stage = iota
	// asking: it goes to the backend, which has not answered.
	asking
	// answering: the client is sent the final response.
	answering
	// tunnel: bytes go both ways as they are.
	tunnel
)

// exchange is one request and its response. It stands between a client and an
// upstream, and knows neither's protocol.
type exchange struct {
	loop   *Loop
	from   *origin
	client client
	// up is nil as long as there is no connection to a backend; connecting:
	// there is one, but it is not ready.
	up         upstream
	connecting bool
	stage      stage

	// origin is the client, as far as it can be told.
	origin  netip.AddrPort
	rule    *snapshot.Rule
	backend *snapshot.Backend
	try     attempt
	// policy is how the request is traced, nil if it is not, and context its own
	// span; record is what is recorded of it, nil if nothing is. parent is where
	// the head for the backend says so. keepsState: it has more of that to say.
	policy     *tracing.Policy
	context    tracing.Context
	record     *tracing.Request
	parent     span
	keepsState bool
	// auth is what is asked about the request before anybody serves it; nil if
	// nothing is.
	auth *authorization
	// mirrors are the copies that the rest of the body goes to, too.
	mirrors []*mirror
	// hash is what the policy of the backend wants hashed of the request.
	hash uint64
	// edits are those of the request and of the response.
	requestEdits, edits filter.Edits

	pace pace
	// since is the instant of the last progress.
	start, sent, received, since int64
	deadline, tryDeadline        int64
	// wantedBy is the instant by which the client wants the answer, or zero.
	wantedBy           int64
	connectBy, retryAt int64

	// buf is what observers are told of the request; then from offset message
	// the head for the backend, in the form of HTTP/1.1; then from offset body
	// what came of the body before the backend was ready. It is kept for sending
	// the request again.
	buf                                       []byte
	message, body                             int
	method, host, target, agent, id, location span
	// fields are those of the client in the head for the backend.
	fields span
	// trailer is the request's trailer section, if it came with the head; extra
	// are the fields that a CORS filter, an authorization server and a session add to
	// the response.
	trailer, extra span
	// key is the Sec-WebSocket-Key of a request that asks for an upgrade.
	key span
	// home is the endpoint of the request's session, as of the tokens in it.
	home   netip.AddrPort
	tokens span

	// parted is what the kernel said of the backend's connection of a slow
	// request.
	parted traffic.Socket

	status                 int
	requestLen, respondLen uint64
	flags                  probe.Flags
	protocol               probe.Protocol
	// grpc is the status of the call and one, zero as long as there is none.
	grpc               uint8
	attempts, connects uint8
	// repeats are the times that the request was sent again because no backend
	// can have acted upon it, or twice does no harm; retries are by the rule.
	repeats, retries, interims uint8
	// hops is how many proxies before this one are believed.
	hops uint8
	// own is the status of an answer of the proxy's own; zero if a backend is
	// to answer.
	own int

	isHead, minor0, idempotent bool
	// chunked: the request has a body of unknown length.
	chunked bool
	// requestEnded: the whole of the request was taken.
	requestEnded bool
	// streamed: more was sent than buf has, or it has nothing of it any more.
	streamed bool
	// overBudget: it failed, and the backend's budget had no retry left for it.
	overBudget bool
	// upgrade: the request asks for a tunnel; websocket: it did so by HTTP/2.
	// bootstraps: it asks for a WebSocket, so that HTTP/2 backends may be asked.
	upgrade, websocket, bootstraps bool
	// upstreamEnded: the backend has ended its side of the tunnel.
	upstreamEnded bool

	// left and decoder are the framing of the request's body where it comes by
	// HTTP/1; encode: the response's body goes there as chunks.
	left    int64
	decoder h1.Decoder
	encode  bool
}

// span is a part of exchange.buf.
type span struct{ start, end uint32 }

func (x *exchange) bytes(s span) []byte { return x.buf[s.start:s.end] }

// note appends b to the buffer and returns where it is.
func (x *exchange) note(b []byte) span {
	start := uint32(len(x.buf))
	x.buf = append(x.buf, b...)
	return span{start, uint32(len(x.buf))}
}

// begin starts an exchange, whose request began to arrive at an instant.
func (o *origin) begin(c client, start int64) *exchange {
	l := o.loop
	x := l.exchange()
	x.loop, x.from, x.client = l, o, c
	x.buf, x.origin = l.buffer(), o.client
	l.Grow(2 * bufferSize)
	x.start, x.since = start, l.now
	l.Active.Add(1)
	return x
}

// requestData takes a part of the request's body; in a tunnel, whatever the
// client sends.
func (x *exchange) requestData(b []byte) {
	x.since = x.loop.now
	x.requestLen += uint64(len(b))
	for _, m := range x.mirrors {
		m.follow(b)
	}
	switch {
	case x.own != 0:
	case x.stage == gathering:
		if x.auth.takes(len(b)) {
			x.buf = x.loop.extend(x.buf, b)
		}
	case x.up != nil:
		if x.keeps(len(b)) {
			x.buf = x.loop.extend(x.buf, b)
		} else {
			x.forget()
		}
		x.up.data(b)
	}
}

// requestEnd says that the request is complete; in a tunnel, that the client
// has ended its half.
func (x *exchange) requestEnd(trailer []byte) {
	x.requestEnded = true
	trailer = x.auth.guard(trailer)
	for _, m := range x.mirrors {
		m.followEnd(trailer)
	}
	if !x.streamed {
		x.trailer = x.note(trailer)
	}
	x.auth.bodyEnd()
	if x.stage > gathering && x.up != nil {
		x.up.end(trailer)
	}
	x.tunnelEnd()
}

func (x *exchange) requestFlush() {
	for _, m := range x.mirrors {
		m.followFlush()
	}
	if x.up != nil {
		x.up.flush()
	}
}

// wantsRequest reports whether more of the request can be passed on.
func (x *exchange) wantsRequest() bool {
	return x.own != 0 || x.auth.gathers() || x.up != nil && !x.connecting && !x.up.blocked()
}

// wantsResponse reports whether more of the response can be passed on.
func (x *exchange) wantsResponse() bool { return !x.client.blocked() }

// upstreamFlushed reports that all that was sent to the backend has gone.
func (x *exchange) upstreamFlushed() {
	x.since = x.loop.now
	x.client.resume()
	x.tunnelEnd()
}

// clientFlushed reports that all that was sent to the client has gone.
func (x *exchange) clientFlushed() {
	x.since = x.loop.now
	if x.up != nil {
		x.up.resume()
	}
	x.tunnelEnd()
}

// cancel ends the exchange because the client is gone, or what it sends makes
// no sense any more.
func (x *exchange) cancel() {
	x.flags |= flagClientCancel
	x.finish()
}

// fail gives up the request: by an answer of the proxy's own, or if the
// backend's has begun, by breaking it off.
func (x *exchange) fail(status int) {
	x.dropUpstream()
	if x.stage >= answering {
		x.client.abort()
		return
	}
	x.auth.respond(nil)
	x.client.answer(status, nil)
}

// dropUpstream gives up the backend's side if there is one.
func (x *exchange) dropUpstream() {
	if up := x.up; up != nil {
		x.part(up.carrier())
		x.up = nil
		up.cancel()
	}
	x.dequeue()
}

// finish ends the exchange. x must not be used after it.
func (x *exchange) finish() {
	x.dropUpstream()
	x.auth.cancel()
	x.settle(balance.Abandoned)
	if !x.requestEnded {
		for _, m := range x.mirrors {
			m.finish()
		}
	}
	if x.record != nil {
		x.endRecord()
	}
	if x.reported() {
		x.report()
	}
	x.loop.freeExchange(x)
}
