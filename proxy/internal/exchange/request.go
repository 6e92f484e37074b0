package exchange

import (
	"bytes"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// take decides what becomes of a request, and writes down its head for the
// backend. What came of the body together with the head is given to
// requestData before proceed.
func (x *exchange) take(r *h1.Request) {
	x.describe(r)
	if !expectationMet(r) {
		x.own = expectationFailed
		return
	}
	x.route(r)
}

// serve decides what becomes of a request that a rule is for, or else is answered
// with the status.
func (x *exchange) serve(r *h1.Request, rule *snapshot.Rule, status int) {
	x.rule = rule
	if rule == nil {
		x.flags |= flagNoRoute
		x.own = status
		return
	}
	switch {
	case rule.CORS != nil && x.shareAcrossOrigins(r):
		x.own = 204
	case rule.Fail != 0:
		x.own = rule.Fail
	case rule.Redirect != nil:
		t := x.targetOf(r)
		start := uint32(len(x.buf))
		x.buf = rule.Redirect.AppendLocation(x.buf, &t)
		x.location = span{start, uint32(len(x.buf))}
		x.edits = filter.Edits{rule.ResponseHeaders}
		x.own = rule.Redirect.Status
	case !x.pickBackend():
		x.own = 500
	default:
		if rule.RequestTimeout > 0 {
			x.endBy(x.start + int64(rule.RequestTimeout))
		}
		x.hash = x.hashOf(r, x.backend)
		x.joinSession(r)
		x.compose(r)
	}
	if rule.ExternalAuth != nil && (x.own == 0 || x.redirects()) {
		x.hold(r, rule.ExternalAuth)
	}
}

// hashOf is the hash of what a backend's policy wants hashed, or zero.
func (x *exchange) hashOf(r *h1.Request, b *snapshot.Backend) uint64 {
	source, name := b.Cluster.Policy().HashOn()
	switch source {
	case proxyconfig.HashSourceIP:
		ip := x.origin.Addr().As16()
		return balance.HashKey(ip[:])
	case proxyconfig.HashHeader:
		if v, ok := r.Value(name); ok {
			return balance.HashKey(v)
		}
	case proxyconfig.HashCookie:
		if v, ok := r.Cookie(name); ok {
			return balance.HashKey(v)
		}
	}
	return 0
}

// endBy gives the exchange until an instant, at the most.
func (x *exchange) endBy(at int64) {
	if x.deadline == 0 || at < x.deadline {
		x.deadline = at
	}
	x.loop.wakeAt(x.deadline)
}

// proceed answers the request, or has a backend do so.
func (x *exchange) proceed() {
	switch {
	case x.auth.holds():
		x.auth.begin()
	case x.own == 0:
		x.mirrored()
		x.attempt(reuseFor(x))
	default:
		x.answerSelf()
	}
}

// answerSelf answers the request as the rule says.
func (x *exchange) answerSelf() {
	x.auth.respond(nil)
	if x.redirects() {
		x.client.answer(x.own, x.bytes(x.location))
		return
	}
	x.client.answer(x.own, nil)
}

// redirects reports whether the answer of the proxy's own leads elsewhere.
func (x *exchange) redirects() bool { return x.location != span{} }

// describe takes down what is needed of the request after its head has gone.
func (x *exchange) describe(r *h1.Request) {
	x.loop.follow()
	x.hops = x.loop.hops
	x.origin = x.trueClient(r)
	x.method = x.note(r.Method)
	x.host = x.note(r.Name)
	x.target = x.note(r.Path)
	if r.HasQuery {
		x.buf = append(x.buf, '?')
		x.target.end = x.note(r.Query).end
	}
	x.agent = x.note(r.First(h1.UserAgent))
	if r.WantsUpgrade {
		key, _ := r.Value("sec-websocket-key")
		x.key = x.note(key)
	}
	x.isHead = string(r.Method) == "HEAD"
	x.idempotent = idempotent(r.Method)
	x.minor0 = r.Minor == 0
	x.chunked = r.Chunked
}

const expectationFailed = 417

// expectationMet checks the Expect field (RFC 9110, section 10.1.1).
func expectationMet(r *h1.Request) bool {
	v := r.First(h1.Expect)
	return v == nil || r.Minor == 0 || h1.EqualFold(v, "100-continue")
}

func idempotent(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE":
		return true
	}
	return false
}

// route finds the rule that serves the request, or what the request has to pass
// before.
func (x *exchange) route(r *h1.Request) {
	l := x.loop
	port := l.port(x.from.port)
	if port != nil && port.Tracing != nil {
		x.joinTrace(port.Tracing, r)
	}
	switch {
	case port == nil:
		x.serve(r, nil, 404)
		return
	case x.from.secure && port.Misdirected(x.from.serverName, r.Name):
		x.serve(r, nil, 421)
		return
	}
	if gate := port.Gate(r.Name); gate != nil {
		x.enter(gate, 0, r)
		return
	}
	l.look(r)
	x.serve(r, port.Match(&l.route, &l.match), 404)
}

// look has the request be what is looked for next.
func (l *Loop) look(r *h1.Request) {
	l.match.PrefixLen = 0
	l.route.Host, l.route.Path, l.route.Query, l.route.Method = r.Name, r.Path, r.Query, r.Method
	l.route.Headers = r
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

func (x *exchange) targetOf(r *h1.Request) filter.Target {
	return filter.Target{
		Scheme: x.from.scheme(), Host: r.Name, ListenerPort: x.from.port,
		Path: r.Path, PrefixLen: x.loop.match.PrefixLen, Query: r.Query, HasQuery: r.HasQuery,
	}
}

// compose writes the head for the backend.
func (x *exchange) compose(r *h1.Request) {
	x.requestEdits = filter.Edits{x.rule.RequestHeaders, x.backend.RequestHeaders}
	edits := &x.requestEdits
	x.message = len(x.buf)
	out := append(append(x.buf, r.Method...), ' ')
	rewrite := x.backend.Rewrite
	if rewrite == nil {
		rewrite = x.rule.Rewrite
	}
	out = x.appendTarget(out, r, rewrite)
	out = append(out, " HTTP/1.1\r\nHost: "...)
	if rewrite != nil && rewrite.Hostname != "" {
		out = append(out, rewrite.Hostname...)
	} else {
		out = append(append(out, r.Name...), r.Port...)
	}
	out = append(out, "\r\n"...)
	x.fields.start = uint32(len(out))
	if edits.Empty() && x.policy == nil {
		out = r.AppendFields(out, nil)
		x.fields.end = uint32(len(out))
	} else {
		out = r.AppendFields(out, x.requestDropper())
		x.fields.end = uint32(len(out))
		out = edits.AppendTo(out)
	}
	out = x.appendForwarded(out, r, edits)
	out = x.appendRequestID(out, r, edits)
	out = x.appendTrace(out, edits)
	out = x.appendFraming(out, r)
	x.buf = append(out, "\r\n"...)
	x.body = len(x.buf)
}

func (x *exchange) appendTarget(out []byte, r *h1.Request, rewrite *filter.Rewrite) []byte {
	if r.Asterisk {
		return append(out, '*')
	}
	if rewrite != nil && rewrite.Path != nil {
		t := x.targetOf(r)
		out = rewrite.Path.AppendPath(out, &t)
	} else {
		out = append(out, r.Path...)
	}
	if r.HasQuery {
		out = append(append(out, '?'), r.Query...)
	}
	return out
}

func (x *exchange) appendRequestID(out []byte, r *h1.Request, edits *filter.Edits) []byte {
	if edits.Drops([]byte("X-Request-Id")) {
		return out
	}
	out = append(out, "X-Request-Id: "...)
	x.id.start = uint32(len(out))
	out = x.appendID(out, r)
	x.id.end = uint32(len(out))
	return append(out, "\r\n"...)
}

// appendID appends the identifier that the request came with, or a new one.
func (x *exchange) appendID(out []byte, r *h1.Request) []byte {
	if id := r.First(h1.RequestID); len(id) <= maxRequestID && h1.IsToken(id) {
		return append(out, id...)
	}
	return x.loop.appendID(out)
}

// appendFraming writes the fields about the body and the connection.
func (x *exchange) appendFraming(out []byte, r *h1.Request) []byte {
	switch {
	case x.chunked:
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	case r.Length >= 0:
		out = h1.AppendLength(out, r.Length)
	}
	x.upgrade = x.websocket || !x.chunked && r.Length <= 0 && mayUpgrade(r)
	x.bootstraps = x.websocket || x.upgrade && x.wantsWebSocket(r)
	switch {
	case x.websocket:
		out = append(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
		if _, ok := r.Value("sec-websocket-key"); !ok {
			out = x.loop.appendKey(out)
		}
	case x.upgrade:
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
