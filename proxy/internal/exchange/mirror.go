package exchange

import (
	"slices"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// mirrorTime bounds the exchange of a copy.
const mirrorTime = 30 * time.Second

// mirror is the client of an exchange that sends a copy of another one's
// request: nobody reads the response, and nothing waits for it.
type mirror struct {
	// x is nil once the exchange has ended.
	x *exchange
}

// mirrorRule is the rule of copies: they are not tried again.
var mirrorRule = &snapshot.Rule{}

// mirrored sends copies of the request to the rule's mirrors.
func (x *exchange) mirrored() {
	if x.upgrade {
		return
	}
	for i := range x.rule.Mirrors {
		if m := &x.rule.Mirrors[i]; m.Fires() {
			x.mirrorTo(m.To)
		}
	}
}

func (x *exchange) mirrorTo(to *snapshot.Backend) {
	l, m := x.loop, &mirror{}
	c := l.exchange()
	c.loop, c.from, c.client, c.origin = l, x.from, m, x.origin
	c.rule, c.backend = mirrorRule, to
	c.buf = append(l.buffer(), x.buf...)
	c.message, c.body, c.trailer = x.message, x.body, x.trailer
	c.chunked, c.requestEnded, c.isHead = x.chunked, x.requestEnded, x.isHead
	c.start, c.since, c.deadline = l.now, l.now, l.now+int64(mirrorTime)
	m.x = c
	l.mirrors = append(l.mirrors, m)
	if !x.requestEnded {
		x.mirrors = append(x.mirrors, m)
	}
	c.attempt(reuseAny)
}

// follow passes on a part of the body to a copy, which is given up rather than
// waited for.
func (m *mirror) follow(b []byte) {
	switch x := m.x; {
	case x == nil:
	case x.stage == gathering && len(x.buf)-x.body > maxReplay, x.up != nil && x.up.blocked():
		m.finish()
	default:
		x.requestData(b)
	}
}

func (m *mirror) followFlush() {
	if m.x != nil {
		m.x.requestFlush()
	}
}

// followEnd ends the body of a copy.
func (m *mirror) followEnd(trailer []byte) {
	if m.x != nil {
		m.x.requestEnd(trailer)
		m.followFlush()
	}
}

// finish ends the exchange of the copy.
func (m *mirror) finish() {
	x := m.x
	if x == nil {
		return
	}
	m.x = nil
	l := x.loop
	if i := slices.Index(l.mirrors, m); i >= 0 {
		l.mirrors = slices.Delete(l.mirrors, i, i+1)
	}
	x.finish()
}

func (m *mirror) interim(*h1.Response)       {}
func (m *mirror) head(*h1.Response, framing) {}
func (m *mirror) data([]byte)                {}
func (m *mirror) end([]byte)                 { m.finish() }
func (m *mirror) switched(*h1.Response)      { m.finish() }
func (m *mirror) shut()                      {}
func (m *mirror) answer(int, []byte)         { m.finish() }
func (m *mirror) abort()                     { m.finish() }
func (m *mirror) flush()                     {}
func (m *mirror) resume()                    {}
func (m *mirror) room(most int) int          { return most }
func (m *mirror) blocked() bool              { return false }
func (m *mirror) leaving() bool              { return false }
func (m *mirror) starved() bool              { return false }

// reported reports whether observers are told of the exchange: neither a copy nor
// a question is a request of a client.
func (x *exchange) reported() bool { return x.rule != mirrorRule && x.rule != authRule }
