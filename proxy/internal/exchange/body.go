package exchange

import "github.com/fleetgate/fleetgate/proxy/internal/h1"

// bodyAlong takes what came of the body together with the head, so that both
// are sent as one message. It returns what follows the body.
func (c *Conn) bodyAlong(b []byte) (rest []byte) {
	x := c.x
	if c.phase != body {
		return b
	}
	if x.chunked {
		out, rest, err := c.recode(x.buf, b)
		x.buf = out
		if err != nil {
			c.refuse(400)
			return nil
		}
		return rest
	}
	b, rest = c.takeLength(b)
	x.buf = append(x.buf, b...)
	return rest
}

// bodyBytes streams more of the body to the backend.
func (c *Conn) bodyBytes(b []byte) (rest []byte) {
	x := c.x
	x.streamed = true
	if x.chunked {
		out, rest, err := c.recode(c.loop.out[:0], b)
		c.loop.out = out
		if err != nil {
			c.refuse(400)
			return nil
		}
		if len(out) > 0 {
			c.toUpstream(out)
		}
		return rest
	}
	b, rest = c.takeLength(b)
	c.toUpstream(b)
	return rest
}

// takeLength splits off what belongs to a body of known length.
func (c *Conn) takeLength(b []byte) (part, rest []byte) {
	x := c.x
	n := min(int64(len(b)), x.left)
	x.left -= n
	x.requestLen += uint64(n)
	if x.left == 0 {
		c.phase = answer
	}
	return b[:n], b[n:]
}

// recode reads chunks from b and appends them to out as chunks of our own
// making.
func (c *Conn) recode(out, b []byte) (_, rest []byte, err error) {
	x := c.x
	for len(b) > 0 && !x.request.Done() {
		data, n, err := x.request.Next(b)
		if err != nil {
			return out, nil, err
		}
		out = h1.AppendChunk(out, data)
		x.requestLen += uint64(len(data))
		b = b[n:]
	}
	if x.request.Done() {
		out = h1.AppendLastChunk(out, x.request.Trailer())
		c.phase = answer
	}
	return out, b, nil
}
