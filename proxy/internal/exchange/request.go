package exchange

import (
	"bytes"
	"errors"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"

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

// upstream is where the backend's side of an exchange stands.
type upstream uint8

const (
	noUpstream upstream = iota
	dialing
	inHead
	inLength
	inChunks
	// inRest: the body ends with the connection.
	inRest
	inTunnel
)

// exchange is one request and its response.
type exchange struct {
	rule     *snapshot.Rule
	backend  *snapshot.Backend
	endpoint *balance.Endpoint
	// edits are those of the request and of the response.
	requestEdits, edits filter.Edits

	start, sent, received int64
	deadline, tryDeadline int64
	connectBy             int64

	// buf is what observers are told of the request, then from offset message
	// what the backend is sent of it: the head with as much of the body as came
	// along. It is kept for sending it again.
	buf                             []byte
	message                         int
	method, host, target, agent, id span

	status                 int
	requestLen, respondLen uint64
	flags                  probe.Flags
	protocol               probe.Protocol
	attempts, connects     uint8
	retries, interim       uint8
	up                     upstream

	isHead, minor0, idempotent bool
	// chunked and left are the framing of the request's body.
	chunked bool
	left    int64
	request h1.Decoder
	// streamed: more was sent than buf has.
	streamed bool
	upgrade  bool

	reused bool
	// begun: the client was sent the final response's head.
	begun bool
	// encode: the response's body goes to the client as chunks.
	encode bool
	// keepUpstream: the backend's connection outlives the response.
	keepUpstream bool
	respondLeft  int64
	response     h1.Decoder
	// partial is the beginning of a response head.
	partial []byte
	// upstreamEnded: the backend has ended its side of the tunnel.
	upstreamEnded bool
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

// headBytes takes the head of a request, and what came along of its body.
func (c *Conn) headBytes(b []byte) (rest []byte) {
	n, err := h1.Find(b, c.scanned)
	if err == nil && n == 0 {
		c.scanned = len(b)
		return b
	}
	c.scanned = 0
	c.begin()
	r := &c.loop.req
	if err == nil {
		err = r.Parse(b[:n])
	}
	if err != nil {
		c.refuse(statusOf(err))
		return nil
	}
	c.describe(r)
	if status := c.expectation(r); status != 0 {
		c.refuse(status)
		return nil
	}
	return c.serve(r, b[n:])
}

func statusOf(err error) int {
	var e *h1.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 400
}

// begin starts an exchange.
func (c *Conn) begin() {
	l := c.loop
	x := l.exchange()
	x.buf = l.buffer()
	x.start = c.since
	c.x, c.phase = x, body
	l.Active.Add(1)
}

// describe takes down what is needed of the request after its head has gone.
func (c *Conn) describe(r *h1.Request) {
	x := c.x
	x.method = x.note(r.Method)
	x.host = x.note(r.Name)
	x.target = x.note(r.Path)
	if r.HasQuery {
		x.buf = append(x.buf, '?')
		x.target.end = x.note(r.Query).end
	}
	x.agent = x.note(r.First(h1.UserAgent))
	x.isHead = string(r.Method) == "HEAD"
	x.idempotent = idempotent(r.Method)
	x.minor0 = r.Minor == 0
	x.chunked, x.left = r.Chunked, max(r.Length, 0)
	c.closing, c.polite = r.Close, false
	if !x.chunked && x.left == 0 {
		c.phase = answer
	}
}

// expectation checks the Expect field (RFC 9110, section 10.1.1).
func (c *Conn) expectation(r *h1.Request) (status int) {
	if v := r.First(h1.Expect); v != nil && r.Minor == 1 && !h1.EqualFold(v, "100-continue") {
		return 417
	}
	return 0
}

func idempotent(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE":
		return true
	}
	return false
}

// serve routes the request and answers it or has a backend do so.
func (c *Conn) serve(r *h1.Request, rest []byte) []byte {
	l, x := c.loop, c.x
	var rule *snapshot.Rule
	l.match.PrefixLen = 0
	if port := l.port(c.port); port != nil {
		l.route.Host, l.route.Path, l.route.Query, l.route.Method = r.Name, r.Path, r.Query, r.Method
		rule = port.Match(&l.route, &l.match)
	}
	if rule == nil {
		x.flags |= flagNoRoute
		return c.answerOwn(404, nil, rest)
	}
	x.rule = rule
	switch {
	case rule.Fail != 0:
		return c.answerOwn(rule.Fail, nil, rest)
	case rule.Redirect != nil:
		t := c.targetOf(r)
		l.out = rule.Redirect.AppendLocation(l.out[:0], &t)
		x.edits = filter.Edits{rule.ResponseHeaders}
		return c.answerOwn(rule.Redirect.Status, l.out, rest)
	}
	if !x.pickBackend() {
		return c.answerOwn(500, nil, rest)
	}
	if rule.RequestTimeout > 0 {
		x.deadline = x.start + int64(rule.RequestTimeout)
		l.wakeAt(x.deadline)
	}
	c.compose(r)
	rest = c.bodyAlong(rest)
	if c.phase == body || c.phase == answer {
		c.attempt(reuseFor(x))
	}
	return rest
}

// pickBackend chooses one of the rule's backends by weight. It reports false
// if there is none, or the chosen one is an invalid reference.
func (x *exchange) pickBackend() bool {
	if x.rule.Backends == nil {
		return false
	}
	b, ok := x.rule.Backends.Pick()
	if !ok || b.Cluster == nil {
		return false
	}
	x.backend = b
	x.edits = filter.Edits{x.rule.ResponseHeaders, b.ResponseHeaders}
	return true
}

func (c *Conn) targetOf(r *h1.Request) filter.Target {
	return filter.Target{
		Scheme: c.scheme(), Host: r.Name, ListenerPort: c.port,
		Path: r.Path, PrefixLen: c.loop.match.PrefixLen, Query: r.Query, HasQuery: r.HasQuery,
	}
}

func (c *Conn) scheme() string {
	if c.secure {
		return "https"
	}
	return "http"
}

// compose writes the head for the backend.
func (c *Conn) compose(r *h1.Request) {
	x := c.x
	x.requestEdits = filter.Edits{x.rule.RequestHeaders, x.backend.RequestHeaders}
	edits := &x.requestEdits
	x.message = len(x.buf)
	out := append(append(x.buf, r.Method...), ' ')
	rewrite := x.backend.Rewrite
	if rewrite == nil {
		rewrite = x.rule.Rewrite
	}
	out = c.appendTarget(out, r, rewrite)
	out = append(out, " HTTP/1.1\r\nHost: "...)
	if rewrite != nil && rewrite.Hostname != "" {
		out = append(out, rewrite.Hostname...)
	} else {
		out = append(append(out, r.Name...), r.Port...)
	}
	out = append(out, "\r\n"...)
	if edits.Empty() {
		out = r.AppendFields(out, nil)
	} else {
		out = r.AppendFields(out, edits)
		out = edits.AppendTo(out)
	}
	out = c.appendForwarded(out, r, edits)
	out = c.appendRequestID(out, r, edits)
	out = c.appendFraming(out, r)
	x.buf = append(out, "\r\n"...)
}

func (c *Conn) appendTarget(out []byte, r *h1.Request, rewrite *filter.Rewrite) []byte {
	if r.Asterisk {
		return append(out, '*')
	}
	if rewrite != nil && rewrite.Path != nil {
		t := c.targetOf(r)
		out = rewrite.Path.AppendPath(out, &t)
	} else {
		out = append(out, r.Path...)
	}
	if r.HasQuery {
		out = append(append(out, '?'), r.Query...)
	}
	return out
}

// appendForwarded says who the client is. What it says itself was dropped: no
// hop before this one is trusted.
func (c *Conn) appendForwarded(out []byte, r *h1.Request, edits *filter.Edits) []byte {
	if !edits.Drops([]byte("X-Forwarded-For")) {
		out = append(out, "X-Forwarded-For: "...)
		out = append(c.client.Addr().AppendTo(out), "\r\n"...)
	}
	if !edits.Drops([]byte("X-Forwarded-Proto")) {
		out = append(out, "X-Forwarded-Proto: "...)
		out = append(append(out, c.scheme()...), "\r\n"...)
	}
	if !edits.Drops([]byte("X-Forwarded-Host")) {
		out = append(out, "X-Forwarded-Host: "...)
		out = append(append(append(out, r.Name...), r.Port...), "\r\n"...)
	}
	return out
}

func (c *Conn) appendRequestID(out []byte, r *h1.Request, edits *filter.Edits) []byte {
	if edits.Drops([]byte("X-Request-Id")) {
		return out
	}
	out = append(out, "X-Request-Id: "...)
	c.x.id.start = uint32(len(out))
	if id := r.First(h1.RequestID); len(id) <= maxRequestID && h1.IsToken(id) {
		out = append(out, id...)
	} else {
		out = c.loop.appendID(out)
	}
	c.x.id.end = uint32(len(out))
	return append(out, "\r\n"...)
}

// appendFraming writes the fields about the body and the connection.
func (c *Conn) appendFraming(out []byte, r *h1.Request) []byte {
	switch {
	case r.Chunked:
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	case r.Length >= 0:
		out = h1.AppendLength(out, r.Length)
	}
	c.x.upgrade = c.phase == answer && mayUpgrade(r)
	switch {
	case c.x.upgrade:
		out = append(out, "Connection: Upgrade\r\n"...)
		out = h1.AppendField(out, "Upgrade", r.First(h1.Upgrade))
	case r.Trailers():
		out = append(out, "Connection: TE\r\nTE: trailers\r\n"...)
	}
	return out
}

// mayUpgrade reports whether a request may switch protocols. Cleartext HTTP/2
// is never reached this way: what is sent over it would pass unseen
// (RFC 9113, section 3.1 has the upgrade deprecated).
func mayUpgrade(r *h1.Request) bool {
	v := r.First(h1.Upgrade)
	return r.WantsUpgrade && r.Minor == 1 && len(v) > 0 &&
		!bytes.Contains(bytes.ToLower(v), []byte("h2c"))
}
