package exchange

import (
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// enter holds the request back at one of the filters of its listener, or routes
// it where none is left. Which listener it is for is not asked again, whatever
// the filters have made of the request.
func (x *exchange) enter(g *snapshot.Gate, step int, r *h1.Request) {
	l := x.loop
	switch {
	case g.Fail != 0:
		x.rule, x.own = g.Rule, g.Fail
	case step == len(g.Filters):
		l.look(r)
		x.serve(r, g.Match(&l.route, &l.match), 404)
	default:
		x.rule = g.Rule
		x.writeDown(r)
		a := x.hold(r, g.Filters[step])
		a.gate, a.step = g, step
	}
}

// writeDown keeps the whole of the request's head, as it is to be read again.
func (x *exchange) writeDown(r *h1.Request) {
	if x.id == (span{}) {
		x.id.start = uint32(len(x.buf))
		x.buf = x.appendID(x.buf, r)
		x.id.end = uint32(len(x.buf))
	}
	x.message = len(x.buf)
	out := r.AppendStart(x.buf)
	out = h1.AppendField(out, "X-Request-Id", x.bytes(x.id))
	x.fields.start = uint32(len(out))
	out = r.AppendFields(out, nil)
	x.fields.end = uint32(len(out))
	x.buf = append(out, "\r\n"...)
	x.body = len(x.buf)
	x.upgrade = x.websocket
}

// advance has the request that a filter of its listener has let pass go on to the
// next one, or to its route, as it is by then. What came of its body stays with
// it.
func (a *authorization) advance() {
	x := a.x
	old, body, fields := x.buf, x.body, int(x.fields.start)-x.message
	head := old[x.message:body]
	x.buf = append(x.loop.buffer(), old[:x.message]...)
	x.upgrade = false
	r := &x.loop.req
	if err := reread(r, head); err != nil {
		x.own = statusOf(err)
	} else {
		r.Vouch(fields)
		x.loop.free(a.question)
		a.question = nil
		x.enter(a.gate, a.step+1, r)
	}
	if x.own == 0 {
		x.body = len(x.buf)
		x.buf = append(x.buf, old[body:]...)
		if t := &x.trailer; t.end > 0 {
			by := x.body - body
			*t = span{uint32(int(t.start) + by), uint32(int(t.end) + by)}
		}
	}
	x.loop.free(old)
}

// reread reads a head that the proxy has written, and a server has added to.
func reread(r *h1.Request, head []byte) error {
	if len(head) > h1.MaxHead {
		return h1.ErrHeadTooLarge
	}
	return r.Parse(head)
}
