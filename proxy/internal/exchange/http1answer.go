package exchange

import "github.com/fleetgate/fleetgate/proxy/internal/h1"

// Data implements Peer.
func (b *http1Backend) Data(p []byte) {
	x := b.x
	if x == nil {
		// An answer to nothing.
		b.Ended(nil)
		return
	}
	c := x.client
	switch b.phase {
	case inHead:
		b.headBytes(p)
	case inLength, inChunks, inRest:
		b.bodyBytes(p)
	case switched:
		x.responseData(p)
	}
	// An exchange that has ended has flushed before.
	if b.x == x {
		c.flush()
	}
}

// headBytes takes heads, interim ones among them, up to that of the final
// response, and goes on with its body.
func (b *http1Backend) headBytes(p []byte) {
	scanned := len(b.partial)
	if scanned > 0 {
		b.partial = b.loop.extend(b.partial, p)
		p = b.partial
	}
	for {
		n, err := h1.Find(p, scanned)
		if err == nil && n == 0 {
			b.keepPartial(p)
			return
		}
		r := &b.loop.resp
		if err == nil {
			err = r.Parse(p[:n])
		}
		if err != nil {
			b.leave().broken()
			return
		}
		p, scanned = p[n:], 0
		if !b.head(r, p) {
			return
		}
	}
}

// head takes one head, and what follows it if it is the last. It reports
// whether another head is to come.
func (b *http1Backend) head(r *h1.Response, p []byte) bool {
	x := b.x
	switch {
	case r.Status == 101:
		b.phase = switched
		if x.switchProtocols(r) && len(p) > 0 {
			x.responseData(p)
		}
		return false
	case r.Status < 200:
		return x.responseInterim(r)
	}
	if x.retriesStatus(r.Status) {
		b.leave().retryLater(outcomeOf(r.Status))
		return false
	}
	if x.overBudget {
		b.leave().refuseRetry(outcomeOf(r.Status))
		return false
	}
	body := b.frame(r)
	data, p, err := b.firstChunk(p)
	if err != nil {
		b.leave().broken()
		return false
	}
	x.responseHead(r, body)
	if len(data) > 0 {
		x.responseData(data)
	}
	b.bodyBytes(p)
	return false
}

// firstChunk takes the first piece of chunks that came with their head, and
// returns what follows it: while the head is not passed on, nonsense in its wake
// can still be answered 502.
func (b *http1Backend) firstChunk(p []byte) (data, rest []byte, err error) {
	if b.phase != inChunks {
		return nil, p, nil
	}
	data, n, err := b.decoder.Next(p)
	return data, p[n:], err
}

// keepPartial keeps the beginning of a head for when more of it has come.
func (b *http1Backend) keepPartial(p []byte) {
	if b.partial == nil {
		b.partial = b.loop.buffer()
	}
	// p may be the end of partial itself.
	b.partial = append(b.partial[:0], p...)
}

// frame finds out where the body of a response ends (RFC 9112, section 6.3).
func (b *http1Backend) frame(r *h1.Response) framing {
	b.keep, b.wasPassed = !r.Close, false
	b.decoder.Reset()
	switch {
	case r.Bodiless(b.x.isHead):
		b.phase, b.left = inLength, 0
		return bodiless
	case r.Chunked:
		b.phase = inChunks
	case r.Length >= 0:
		b.phase, b.left, b.bulky = inLength, r.Length, r.Length >= bulk
		return framing(r.Length)
	default:
		b.phase, b.keep, b.bulky = inRest, false, true
	}
	return unsized
}

func (b *http1Backend) bodyBytes(p []byte) {
	switch b.phase {
	case inLength:
		b.lengthBytes(p)
	case inChunks:
		b.chunkBytes(p)
	case inRest:
		if len(p) > 0 {
			b.x.responseData(p)
		}
	}
}

func (b *http1Backend) lengthBytes(p []byte) {
	if int64(len(p)) > b.left {
		// More than was announced: what follows is nobody's response.
		p, b.keep = p[:b.left], false
	}
	b.left -= int64(len(p))
	if len(p) > 0 {
		b.x.responseData(p)
	}
	if b.left == 0 {
		b.responseEnd(nil)
	}
}

func (b *http1Backend) chunkBytes(p []byte) {
	for len(p) > 0 && !b.decoder.Done() {
		data, n, err := b.decoder.Next(p)
		if err != nil {
			// What was sent of the body stays without an end.
			b.leave().broken()
			return
		}
		if len(data) > 0 {
			b.x.responseData(data)
		}
		p = p[n:]
	}
	if !b.decoder.Done() {
		return
	}
	if len(p) > 0 {
		b.keep = false
	}
	b.responseEnd(b.decoder.Trailer())
}

// responseEnd gives the connection back, or closes it, and ends the response. A
// connection on which the request has not ended can carry no other.
func (b *http1Backend) responseEnd(trailer []byte) {
	x := b.x
	x.part(b.io)
	b.x, x.up = nil, nil
	b.freePartial()
	if b.keep && x.requestEnded {
		b.phase = unused
		b.home.keep(b)
	} else {
		b.drop()
	}
	x.responseEnd(trailer)
}
