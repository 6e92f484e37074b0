package exchange

import (
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

// requestEvents is an http2Client as the h2.Handler of its streams.
type requestEvents http2Client

// NewRequest implements h2.Handler.
func (c *requestEvents) NewRequest(s *h2.Stream) *h1.Request {
	st := c.loop.newStream()
	st.conn, st.stream = (*http2Client)(c), s
	st.next = c.streams
	if c.streams != nil {
		c.streams.prev = st
	}
	c.streams, s.Owner = st, st
	r := &c.loop.req
	r.Start(c.loop.head[:0])
	return r
}

// NewResponse implements h2.Handler; a server gets none.
func (c *requestEvents) NewResponse(*h2.Stream) *h1.Response { panic("exchange: response of a client") }

// Head implements h2.Handler.
func (c *requestEvents) Head(s *h2.Stream, end bool) {
	r := &c.loop.req
	c.loop.head = r.Buffer()
	s.Owner.(*http2Stream).begin(r, end)
}

// Data implements h2.Handler.
func (c *requestEvents) Data(s *h2.Stream, b []byte, end bool) {
	s.Owner.(*http2Stream).body(b, end)
}

// Trailers implements h2.Handler.
func (c *requestEvents) Trailers(s *h2.Stream, section []byte) {
	s.Owner.(*http2Stream).requestEnd(section)
}

// Reset implements h2.Handler.
func (c *requestEvents) Reset(s *h2.Stream, _ h2.Code, _ bool) {
	s.Owner.(*http2Stream).gone()
}

// Writable implements h2.Handler.
func (c *requestEvents) Writable(s *h2.Stream) { s.Owner.(*http2Stream).drain() }

// GoingAway implements h2.Handler: what was asked for is still answered.
func (c *requestEvents) GoingAway() {}
