package exchange

import (
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/extauth"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// authCall is the client of an exchange that asks an authorization server.
type authCall struct {
	// x is nil once the exchange has ended.
	x    *exchange
	auth *authorization
	// verdict is what the head says, by HTTP. grpc: the head is one of gRPC, whose
	// status is empty if it comes with the trailers.
	verdict *extauth.Verdict
	grpc    bool
	status  string
	// body is kept as far as it matters; got is its length so far.
	body []byte
	got  int
}

// authRule is the rule of questions. It has no retries: a question is sent again
// where its connection was closed without an answer, as asking twice does no
// harm.
var authRule = &snapshot.Rule{}

// ask sends the question.
func (a *authorization) ask() {
	x, l := a.x, a.x.loop
	a.state = inquiring
	c := l.exchange()
	m := &authCall{x: c, auth: a}
	c.loop, c.from, c.client, c.origin = l, x.from, m, x.origin
	c.rule, c.backend, c.hash = authRule, a.rule.To, a.hash
	c.idempotent, c.requestEnded = true, true
	if a.rule.GRPC {
		c.buf = a.appendCall(l.buffer())
	} else {
		c.isHead = x.isHead
		c.buf, a.question = append(h1.AppendLength(a.question, int64(len(a.shown()))), "\r\n"...), nil
	}
	c.body = len(c.buf)
	if a.rule.GRPC {
		c.buf = extauth.AppendCheck(c.buf, a.question, a.facts(), a.size(), a.shown())
	} else {
		c.buf = append(c.buf, a.shown()...)
	}
	c.trailer = c.note(nil)
	l.Grow(len(c.buf))
	c.start, c.since, c.deadline = l.now, l.now, l.now+int64(authTime)
	a.call = m
	c.attempt(reuseAny)
}

// appendCall appends the head of a question by gRPC.
func (a *authorization) appendCall(out []byte) []byte {
	out = append(out, "POST "+extauth.Method+" HTTP/1.1\r\nHost: "...)
	out = append(out, a.rule.Authority...)
	return append(out, "\r\nContent-Type: application/grpc\r\nTE: trailers\r\ngrpc-timeout: 10S\r\n\r\n"...)
}

func (a *authorization) facts() *extauth.Facts {
	x := a.x
	return &extauth.Facts{
		Client: x.origin, ServerName: x.from.serverName,
		Time: x.loop.opts.Epoch.Add(time.Duration(x.start)),
	}
}

// shown is what of the request's body the server is shown: all of it, or none.
func (a *authorization) shown() []byte {
	if a.rule.MaxBody == 0 {
		return nil
	}
	return a.x.buf[a.x.body:a.x.trailer.start]
}

// size is the length of the request's body, or -1 if nobody knows it yet.
func (a *authorization) size() int64 {
	if a.rule.MaxBody > 0 {
		return int64(len(a.shown()))
	}
	return a.length
}

func (m *authCall) head(r *h1.Response, _ framing) {
	if !m.auth.rule.GRPC {
		m.verdict = extauth.Read(m.auth.rule.ExternalAuth, r)
		return
	}
	t, _ := r.Value("content-type")
	m.grpc = r.Status == 200 && isGRPC(t)
	if status, ok := r.Value("grpc-status"); ok {
		m.status = string(status)
	}
}

// data keeps the body of an answer. What comes beyond the bound is not waited
// for: the verdict stands, without its body and what was said of it.
func (m *authCall) data(b []byte) {
	if m.auth.state == decided {
		return
	}
	m.got += len(b)
	switch {
	case m.got > extauth.MaxAnswer && m.verdict == nil:
		m.auth.fail(502)
	case m.got > extauth.MaxAnswer:
		m.verdict.DropBody()
		m.auth.settle(m.verdict)
	case m.verdict == nil || !m.verdict.Allowed:
		m.body = append(m.body, b...)
	}
}

func (m *authCall) end(trailer []byte) {
	switch {
	case m.auth.state == decided:
	case m.verdict != nil:
		m.verdict.Body = m.body
		m.auth.settle(m.verdict)
	default:
		m.endCall(trailer)
	}
	m.finish()
}

// endCall reads the answer by gRPC.
func (m *authCall) endCall(trailer []byte) {
	for name, value := range h1.TrailerFields(trailer) {
		if m.status == "" && h1.EqualFold(name, "grpc-status") {
			m.status = string(value)
		}
	}
	if !m.grpc || m.status != "0" {
		m.auth.fail(502)
		return
	}
	v, err := extauth.ReadCheck(m.body)
	if err != nil {
		m.auth.fail(502)
		return
	}
	m.auth.settle(v)
}

// answer is told of a server that could not be asked, or has not answered.
func (m *authCall) answer(status int, _ []byte) {
	if m.auth.state != decided {
		m.auth.shed = m.x.edits[0] == retryAfter
		m.auth.fail(status)
	}
	m.finish()
}

func (m *authCall) abort()                { m.answer(502, nil) }
func (m *authCall) switched(*h1.Response) { m.answer(502, nil) }

// finish ends the exchange of the call.
func (m *authCall) finish() {
	if x := m.x; x != nil {
		m.x = nil
		x.finish()
	}
}

func (m *authCall) interim(*h1.Response) {}
func (m *authCall) shut()                {}
func (m *authCall) flush()               {}
func (m *authCall) resume()              {}
func (m *authCall) room(most int) int    { return most }
func (m *authCall) blocked() bool        { return false }
func (m *authCall) leaving() bool        { return false }
func (m *authCall) starved() bool        { return false }
