package exchange

import (
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

// responseEvents is an http2Backend as the h2.Handler of its streams.
type responseEvents http2Backend

// NewRequest implements h2.Handler; a client gets none.
func (b *responseEvents) NewRequest(*h2.Stream) *h1.Request { panic("exchange: request of a backend") }

// NewResponse implements h2.Handler.
func (b *responseEvents) NewResponse(*h2.Stream) *h1.Response {
	r := &b.loop.resp
	r.Start(b.loop.head[:0])
	return r
}

// Head implements h2.Handler.
func (b *responseEvents) Head(s *h2.Stream, end bool) {
	b.loop.head = b.loop.resp.Buffer()
	s.Owner.(*http2Call).head(&b.loop.resp, end)
}

// Data implements h2.Handler.
func (b *responseEvents) Data(s *h2.Stream, p []byte, end bool) {
	s.Owner.(*http2Call).body(p, end)
}

// Trailers implements h2.Handler.
func (b *responseEvents) Trailers(s *h2.Stream, section []byte) {
	s.Owner.(*http2Call).responseEnd(section)
}

// Reset implements h2.Handler.
func (b *responseEvents) Reset(s *h2.Stream, _ h2.Code, refused bool) {
	s.Owner.(*http2Call).reset(refused)
}

// Writable implements h2.Handler.
func (b *responseEvents) Writable(s *h2.Stream) { s.Owner.(*http2Call).drain() }

// GoingAway implements h2.Handler.
func (b *responseEvents) GoingAway() { (*http2Backend)(b).retire() }
