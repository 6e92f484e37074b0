package exchange

import (
	"bytes"
	"slices"

	"github.com/fleetgate/fleetgate/proxy/internal/extauth"
	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// ruling is a verdict that allows the request, and what it is that asked for it.
type ruling struct {
	*extauth.Verdict
	by *filter.ExternalAuth
}

// amend changes the head for the backend as the verdict has it. What the rule's
// own edits set or remove stays as they want it.
func (a *authorization) amend() {
	x, v := a.x, a.verdict
	if a.continued {
		v.Removed = append(v.Removed, []byte("expect"))
	}
	old, fields := x.buf, x.fields
	out := append(x.loop.buffer(), old[:x.message]...)
	message := len(out)
	method, rest, _ := bytes.Cut(old[x.message:fields.start], []byte(" "))
	target, rest, _ := bytes.Cut(rest, []byte(" "))
	out = v.AppendTarget(append(append(out, method...), ' '), target)
	out = append(append(out, ' '), rest...)
	x.fields.start = uint32(len(out))
	out = v.AppendFields(out, a.rule.ExternalAuth, old[fields.start:fields.end], x.requestDropper())
	x.fields.end = uint32(len(out))
	x.buf = append(out, old[fields.end:]...)
	x.move(message, int(x.fields.end)-int(fields.end))
	x.loop.free(old)
	if x.requestEnded {
		trailer := a.guard(x.bytes(x.trailer))
		x.buf = x.buf[:x.trailer.start]
		x.trailer = x.note(trailer)
	}
}

// guard leaves out of a request's trailer section what is for the servers to say,
// once they have: a backend may take trailers for headers (RFC 9110, section 6.5.1).
func (a *authorization) guard(trailer []byte) []byte {
	if len(trailer) == 0 || a == nil {
		return trailer
	}
	for _, r := range a.rulings {
		trailer = r.AppendTrailer(nil, r.by, trailer)
	}
	return trailer
}

// move says that the head begins at message now, and what follows its fields,
// whose end is known already, is by bytes farther on.
func (x *exchange) move(message, by int) {
	x.message = message
	x.body += by
	fields := int(x.fields.end) - by
	for _, s := range []*span{&x.id, &x.parent, &x.trailer} {
		if s.end > 0 && int(s.start) >= fields {
			*s = span{uint32(int(s.start) + by), uint32(int(s.end) + by)}
		}
	}
}

// responds reports whether a server has something to say of the response to a
// request that it has allowed.
func (a *authorization) responds() bool {
	return a != nil && slices.ContainsFunc(a.rulings, func(r ruling) bool { return len(r.Response) > 0 })
}

// respond notes what that adds to a response of the backend, or to an answer of
// the proxy's own if r is nil.
func (a *authorization) respond(r *h1.Response) {
	if !a.responds() {
		return
	}
	x := a.x
	start := uint32(len(x.buf))
	x.buf = append(x.buf, x.bytes(x.extra)...)
	for _, said := range a.rulings {
		x.buf = said.AppendResponse(x.buf, r, &x.edits)
	}
	x.extra = span{start, uint32(len(x.buf))}
}

// replaces reports whether a field of the backend's response gives way to that.
func (a *authorization) replaces(name []byte) bool {
	return a != nil && slices.ContainsFunc(a.rulings, func(r ruling) bool { return r.Replaces(name) })
}

// deny answers a request that is not allowed as the server has it. Such an
// answer is one of the rule's, and none of its backend's.
func (x *exchange) deny(v *extauth.Verdict) {
	x.edits = filter.Edits{x.rule.ResponseHeaders}
	if x.protocol == probe.GRPC {
		x.client.answer(v.Status, nil)
		return
	}
	body := framing(len(v.Body))
	if x.isHead || v.Status == 204 || v.Status == 304 {
		body = bodiless
	}
	l := x.loop
	head := v.AppendDenial(l.buffer(), int(body))
	if len(head) > h1.MaxHead || l.resp.Parse(head) != nil {
		x.flags |= flagUpstreamFailed
		x.fail(502)
		return
	}
	x.responseHead(&l.resp, body)
	if body > 0 {
		x.responseData(v.Body)
	}
	x.client.end(nil)
	l.free(head)
}
