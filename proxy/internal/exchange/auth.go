package exchange

import (
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/extauth"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// authTime bounds the call of an authorization server.
const authTime = 10 * time.Second

// authorization holds a request back until a server has said what is to become
// of it. The call is an exchange of its own, whose client is an authCall. What it
// comes to is dealt with at the end of the turn: the events of the call's
// connection are not the place to end another exchange in.
//
// Its methods that say something of a request may be called on nil, which holds
// nothing back.
type authorization struct {
	// x is nil once the exchange has ended.
	x    *exchange
	rule *snapshot.ExternalAuth
	// gate is what the rule is a filter of, by its index; nil if it is of a route.
	gate *snapshot.Gate
	step int
	// question is what is sent, as far as it is known before the body is.
	question []byte
	hash     uint64
	length   int64
	// own is the status of an answer of the proxy's own to a request that is
	// allowed, or zero.
	own   int
	state authState
	// queued: it is in Loop.decided. continued: the client was told to go on. shed:
	// the server was not asked, as the proxy has more to do than it can.
	queued, continued, shed bool
	call                    *authCall

	// verdict is nil if there is none; failure is the status that the request is
	// answered with instead.
	verdict *extauth.Verdict
	failure int
	// rulings are what the servers have said that have let the request pass, the
	// first one's first.
	rulings []ruling
}

// authState is how far an authorization has come.
type authState uint8

const (
	// untold: the request has not been proceeded with.
	untold authState = iota
	// listening: its body is gathered to be shown.
	listening
	// inquiring: the server is being asked.
	inquiring
	// decided: there is a verdict or a failure.
	decided
	// passed: the request goes on as if it had never been held back.
	passed
)

// hold has the request wait for what an authorization server says, and writes down
// what the server will be asked. The head is complete, or the answer that the rule
// has for everybody.
func (x *exchange) hold(r *h1.Request, rule *snapshot.ExternalAuth) *authorization {
	a := x.auth
	if a == nil {
		a = new(authorization)
	}
	*a = authorization{x: x, rule: rule, own: x.own, length: r.Length, queued: a.queued, rulings: a.rulings}
	if x.own != 0 {
		x.own, x.body = 0, len(x.buf)
		x.message = x.body
	}
	x.auth = a
	a.prepare(r)
	return a
}

// prepare writes down the question, as far as it is known.
func (a *authorization) prepare(r *h1.Request) {
	x := a.x
	switch {
	case !r.Chunked && r.Length < 0:
		a.length = 0
	case a.rule.MaxBody > 0 && r.Length > int64(a.rule.MaxBody):
		a.fail(413)
		return
	}
	a.continued = a.rule.MaxBody > 0 && r.First(h1.Expect) != nil
	a.hash = x.hashOf(r, a.rule.To)
	if a.rule.GRPC {
		a.question = a.attributes(r)
	} else {
		a.question = a.head(r)
	}
}

// head is the head of a question by HTTP, up to what it says of its body.
func (a *authorization) head(r *h1.Request) []byte {
	out := extauth.AppendHead(a.x.loop.buffer(), a.rule.ExternalAuth, r)
	return a.appendOwn(out, r)
}

// appendOwn appends those of the fields that the proxy itself writes which the
// server is to be shown.
func (a *authorization) appendOwn(out []byte, r *h1.Request) []byte {
	x := a.x
	out = x.appendForwarded(out, r, a.rule)
	if id := x.bytes(x.id); len(id) > 0 && !a.rule.Drops([]byte("X-Request-Id")) {
		out = h1.AppendField(out, "X-Request-Id", id)
	}
	return out
}

// attributes are the part of a CheckRequest that stands in the head.
func (a *authorization) attributes(r *h1.Request) []byte {
	x := a.x
	protocol := "HTTP/1.1"
	switch {
	case x.protocol == probe.HTTP2 || x.protocol == probe.GRPC:
		protocol = "HTTP/2"
	case r.Minor == 0:
		protocol = "HTTP/1.0"
	}
	return extauth.AppendAttributes(x.loop.buffer(), a.rule.ExternalAuth, r, x.bytes(x.id), x.from.scheme(), protocol, a.appendOwn(nil, r))
}

// holds reports whether the request must not go on yet.
func (a *authorization) holds() bool { return a != nil && a.state != passed }

// gathers reports whether the body is gathered to be shown to the server.
func (a *authorization) gathers() bool {
	return a != nil && a.rule.MaxBody > 0 && (a.state == listening || a.state == untold)
}

// asks reports whether the server is being asked.
func (a *authorization) asks() bool { return a != nil && a.state == inquiring }

// takes reports whether n more bytes of the body are kept. A body that the
// server cannot be shown the whole of is refused: it must not judge by a part of
// what the backend gets.
func (a *authorization) takes(n int) bool {
	switch {
	case !a.holds() || a.rule.MaxBody == 0:
		return true
	case a.failure != 0:
		return false
	case a.gathered()+n > a.rule.MaxBody:
		a.fail(413)
		return false
	}
	return true
}

// gathered is how much of the body is there.
func (a *authorization) gathered() int {
	x := a.x
	if x.requestEnded {
		return int(x.trailer.start) - x.body
	}
	return len(x.buf) - x.body
}

// begin asks the server, or waits for the body that it is to be shown.
func (a *authorization) begin() {
	switch {
	case a.failure != 0:
		a.queue()
	case a.rule.MaxBody > 0 && a.gathered() > a.rule.MaxBody:
		// It came before, while another server was asked.
		a.fail(413)
		a.queue()
	case a.rule.MaxBody == 0 || a.x.requestEnded:
		a.ask()
	default:
		a.state = listening
		if a.continued {
			a.sayContinue()
		}
	}
}

// sayContinue has the client send the body that it waits with. The backend is
// not told that it would (RFC 9110, section 10.1.1): the body is there by then.
func (a *authorization) sayContinue() {
	r := &a.x.loop.resp
	if r.Parse([]byte("HTTP/1.1 100 Continue\r\n\r\n")) == nil {
		a.x.client.interim(r)
		a.x.client.flush()
	}
}

// bodyEnd says that the whole of the body is there.
func (a *authorization) bodyEnd() {
	if a != nil && a.state == listening {
		a.queue()
	}
}

// fail has the request answered with a status.
func (a *authorization) fail(status int) {
	a.failure = status
	a.settle(nil)
}

// settle takes down what the server has said.
func (a *authorization) settle(v *extauth.Verdict) {
	a.verdict = v
	if a.state != untold {
		a.state = decided
		a.queue()
	}
}

// queue has the authorization go on at the end of the turn.
func (a *authorization) queue() {
	if !a.queued {
		a.queued = true
		a.x.loop.decided = append(a.x.loop.decided, a)
	}
}

// decide goes on with the authorizations that can.
func (l *Loop) decide() {
	for i := 0; i < len(l.decided); i++ {
		a := l.decided[i]
		l.decided[i], a.queued = nil, false
		if a.x != nil {
			a.goOn()
		}
	}
	l.decided = l.decided[:0]
}

// goOn asks what can be asked now, or does what was decided.
func (a *authorization) goOn() {
	x := a.x
	x.since = x.loop.now
	switch {
	case a.failure != 0:
		a.drop()
		x.flags |= a.flags()
		if a.shed {
			x.shedLate()
		}
		x.fail(a.failure)
	case a.state == listening:
		a.ask()
	case a.verdict.Allowed:
		a.drop()
		a.pass()
	default:
		a.drop()
		x.deny(a.verdict)
	}
}

// flags tell observers that it was the server, not the client, who is at fault.
func (a *authorization) flags() probe.Flags {
	switch a.failure {
	case 413:
		return 0
	case 504:
		return flagTimeout
	}
	return flagUpstreamFailed
}

// pass lets the request go on.
func (a *authorization) pass() {
	x := a.x
	a.state, x.own = passed, a.own
	a.rulings = append(a.rulings, ruling{a.verdict, a.rule.ExternalAuth})
	if x.own == 0 {
		a.amend()
	}
	if a.gate != nil {
		a.advance()
	}
	x.proceed()
	if a.x != nil && x.wantsRequest() {
		x.client.resume()
	}
}

// drop ends the call, if there is one.
func (a *authorization) drop() {
	if a.call != nil {
		a.call.finish()
		a.call = nil
	}
}

// cancel ends the authorization together with its exchange.
func (a *authorization) cancel() {
	if a == nil || a.x == nil {
		return
	}
	a.drop()
	a.x.loop.free(a.question)
	a.x, a.question, a.verdict, a.rulings = nil, nil, nil, nil
}

// tick lets time pass for the call.
func (a *authorization) tick() {
	if a != nil && a.call != nil && a.call.x != nil {
		a.call.x.tick()
	}
}
