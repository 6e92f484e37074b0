package exchange

import "math"

// Pass implements Peer.
func (c *http1Client) Pass() (to Transport, n int64) {
	if !c.bulky || c.phase != inBody {
		return nil, 0
	}
	return c.x.requestWire(), c.x.left
}

// Passed implements Peer.
func (c *http1Client) Passed(n int, flushed bool) {
	x := c.x
	x.left -= int64(n)
	x.requestPassed(n, flushed)
	if x.left == 0 {
		c.phase = inAnswer
		x.requestEnd(nil)
	}
}

// requestWire is where the rest of the request's body can be sent to as it is;
// nil if more than one backend gets it, or it may have to be sent again.
func (x *exchange) requestWire() Transport {
	if x.up == nil || x.stage == gathering || len(x.mirrors) > 0 || x.keeps(1) {
		return nil
	}
	return x.up.wire()
}

func (x *exchange) requestPassed(n int, flushed bool) {
	x.since = x.loop.now
	x.requestLen += uint64(n)
	x.forget()
	x.up.passed(flushed)
}

// Pass implements Peer.
func (b *http1Backend) Pass() (to Transport, n int64) {
	switch {
	case !b.bulky || b.x == nil:
	case b.phase == inLength:
		return b.x.client.wire(), b.left
	case b.phase == inRest:
		return b.x.client.wire(), math.MaxInt64
	}
	return nil, 0
}

// Passed implements Peer.
func (b *http1Backend) Passed(n int, flushed bool) {
	b.wasPassed = true
	b.x.responsePassed(n, flushed)
	if b.phase == inRest {
		return
	}
	if b.left -= int64(n); b.left == 0 {
		b.responseEnd(nil)
	}
}

func (x *exchange) responsePassed(n int, flushed bool) {
	x.since = x.loop.now
	x.respondLen += uint64(n)
	x.client.passed(flushed)
}

func (c *http1Client) wire() Transport {
	if c.x.encode {
		return nil
	}
	return c.io
}

func (c *http1Client) passed(flushed bool) { c.unsent = c.unsent || !flushed }

func (b *http1Backend) wire() Transport {
	if b.encode {
		return nil
	}
	return b.io
}

func (b *http1Backend) passed(flushed bool) { b.unsent = b.unsent || !flushed }

// The bodies of HTTP/2 are framed, and nobody passes on what a mirror or an authorization server answers.

// Pass implements Peer.
func (c *http2Client) Pass() (to Transport, n int64) { return nil, 0 }

// Passed implements Peer.
func (c *http2Client) Passed(int, bool) {}

// Flowed implements Peer.
func (c *http2Client) Flowed() {}

// Pass implements Peer.
func (b *http2Backend) Pass() (to Transport, n int64) { return nil, 0 }

// Passed implements Peer.
func (b *http2Backend) Passed(int, bool) {}

// Flowed implements Peer.
func (b *http2Backend) Flowed() {}

func (st *http2Stream) wire() Transport { return nil }
func (st *http2Stream) passed(bool)     {}
func (call *http2Call) wire() Transport { return nil }
func (call *http2Call) passed(bool)     {}
func (m *mirror) wire() Transport       { return nil }
func (m *mirror) passed(bool)           {}
func (m *authCall) wire() Transport     { return nil }
func (m *authCall) passed(bool)         {}
