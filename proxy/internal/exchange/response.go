package exchange

import (
	"github.com/fleetgate/fleetgate/proxy/internal/h1"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// UpstreamData takes bytes that the backend sent.
func (c *Conn) UpstreamData(b []byte) {
	x := c.x
	if x == nil {
		return
	}
	c.since = c.loop.now
	switch x.up {
	case inHead:
		c.responseHead(b)
	case inLength, inChunks, inRest:
		c.loop.out = c.responseBody(c.loop.out[:0], b)
	case inTunnel:
		x.respondLen += uint64(len(b))
		c.toClient(b)
	}
	c.pump()
}

// responseHead takes heads, interim ones among them, up to that of the final
// response, and goes on with its body.
func (c *Conn) responseHead(b []byte) {
	x := c.x
	scanned := len(x.partial)
	if scanned > 0 {
		x.partial = append(x.partial, b...)
		b = x.partial
	}
	for x.up == inHead {
		n, err := h1.Find(b, scanned)
		if err == nil && n == 0 {
			c.keepPartial(b)
			return
		}
		r := &c.loop.resp
		if err == nil {
			err = r.Parse(b[:n])
		}
		if err != nil {
			x.flags |= flagUpstreamReset
			c.fail(502)
			return
		}
		b, scanned = b[n:], 0
		switch {
		case r.Status == 101:
			c.switchProtocols(r, b)
			return
		case r.Status < 200:
			if !c.interimResponse(r) {
				return
			}
		default:
			c.finalResponse(r, b)
			return
		}
	}
}

// keepPartial keeps the beginning of a head for when more of it has come.
func (c *Conn) keepPartial(b []byte) {
	x := c.x
	if x.partial == nil {
		x.partial = c.loop.buffer()
	}
	// b may be the end of partial itself.
	x.partial = append(x.partial[:0], b...)
}

// interimResponse forwards a 1xx response; HTTP/1.0 knows of none.
func (c *Conn) interimResponse(r *h1.Response) bool {
	x := c.x
	if x.interim++; x.interim > maxInterim {
		x.flags |= flagUpstreamReset
		c.fail(502)
		return false
	}
	if !x.minor0 {
		out := h1.AppendStatusLine(c.loop.out[:0], r.Status, r.Reason)
		c.loop.out = append(r.AppendFields(out, nil), "\r\n"...)
		c.toClient(c.loop.out)
	}
	return true
}

// finalResponse forwards the head and what came of the body, as one message.
func (c *Conn) finalResponse(r *h1.Response, b []byte) {
	x := c.x
	x.status, x.begun = r.Status, true
	x.keepUpstream = !r.Close
	bodiless := r.Bodiless(x.isHead)
	switch {
	case bodiless:
		x.up, x.respondLeft = inLength, 0
	case r.Chunked:
		x.up = inChunks
	case r.Length >= 0:
		x.up, x.respondLeft = inLength, r.Length
	default:
		x.up, x.keepUpstream = inRest, false
	}
	x.encode = (x.up == inChunks || x.up == inRest) && !x.minor0
	// A body that ends with the connection, or a request whose body nobody
	// will read to its end, leaves nothing to go on with.
	if x.up != inLength && x.minor0 {
		c.closing = true
	}
	if c.phase == body || c.leaving || c.loop.draining() {
		c.closing, c.polite = true, true
	}
	out := h1.AppendStatusLine(c.loop.out[:0], r.Status, r.Reason)
	out = c.appendResponseFields(out, r, bodiless)
	c.loop.out = c.responseBody(append(out, "\r\n"...), b)
}

func (c *Conn) appendResponseFields(out []byte, r *h1.Response, bodiless bool) []byte {
	x := c.x
	if x.edits.Empty() {
		out = r.AppendFields(out, nil)
	} else {
		out = r.AppendFields(out, &x.edits)
		out = x.edits.AppendTo(out)
	}
	switch {
	case x.encode:
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	case r.Length >= 0 && r.Status != 204:
		out = h1.AppendLength(out, r.Length)
	}
	return c.appendConnection(out)
}

// appendConnection says whether the connection persists, where the client's
// version does not.
func (c *Conn) appendConnection(out []byte) []byte {
	switch {
	case c.closing:
		out = append(out, "Connection: close\r\n"...)
	case c.x.minor0:
		out = append(out, "Connection: keep-alive\r\n"...)
	}
	return out
}

// directWrite is the size from which a body is not copied behind its head
// just to save a system call.
const directWrite = 16 << 10

// responseBody sends out, which is the head or empty, and b as far as it
// belongs to the body. It returns out for reuse.
func (c *Conn) responseBody(out, b []byte) []byte {
	switch c.x.up {
	case inLength:
		return c.lengthBody(out, b)
	case inChunks:
		return c.chunkedBody(out, b)
	}
	c.x.respondLen += uint64(len(b))
	if c.x.encode {
		out = h1.AppendChunk(out, b)
		c.writeOut(out)
		return out
	}
	return c.writeBoth(out, b)
}

func (c *Conn) lengthBody(out, b []byte) []byte {
	x := c.x
	if int64(len(b)) > x.respondLeft {
		// More than was announced: what follows is nobody's response.
		b, x.keepUpstream = b[:x.respondLeft], false
	}
	x.respondLeft -= int64(len(b))
	x.respondLen += uint64(len(b))
	out = c.writeBoth(out, b)
	if x.respondLeft == 0 {
		c.responseEnded()
	}
	return out
}

func (c *Conn) chunkedBody(out, b []byte) []byte {
	x := c.x
	for len(b) > 0 && !x.response.Done() {
		data, n, err := x.response.Next(b)
		if err != nil {
			// What was sent of the body stays without an end.
			c.brokenOff()
			return out
		}
		b = b[n:]
		x.respondLen += uint64(len(data))
		if x.encode {
			out = h1.AppendChunk(out, data)
		} else {
			out = append(out, data...)
		}
	}
	if !x.response.Done() {
		c.writeOut(out)
		return out
	}
	if len(b) > 0 {
		x.keepUpstream = false
	}
	if x.encode {
		out = h1.AppendLastChunk(out, x.response.Trailer())
	}
	c.writeOut(out)
	c.responseEnded()
	return out
}

func (c *Conn) writeOut(out []byte) {
	if len(out) > 0 {
		c.toClient(out)
	}
}

// writeBoth sends a head, which may be empty, and a part of a body.
func (c *Conn) writeBoth(out, b []byte) []byte {
	if len(out) > 0 && len(b) < directWrite {
		out = append(out, b...)
		b = nil
	}
	c.writeOut(out)
	c.writeOut(b)
	return out
}

// responseEnded gives back the backend's connection and turns to the next
// request.
func (c *Conn) responseEnded() {
	x := c.x
	x.received = c.loop.now
	if x.up == inRest && x.encode {
		c.toClient(lastChunk)
	}
	// A connection on which the request has not ended can carry no other.
	if x.keepUpstream && c.phase == answer {
		x.up = noUpstream
		c.upstreamBlocked = false
		c.io.ReleaseUpstream()
	} else {
		c.closeUpstream()
	}
	c.finish()
}

var lastChunk = []byte("0\r\n\r\n")

// finish ends the exchange after its response was written.
func (c *Conn) finish() {
	unread := c.phase == body
	c.report()
	switch {
	case unread || c.closing && (c.polite || c.keptLen() > 0):
		c.lingerOn()
	case c.closing:
		c.close()
	default:
		c.phase, c.since = idle, c.loop.now
	}
}

// switchProtocols makes the connections one, if the client asked for it.
func (c *Conn) switchProtocols(r *h1.Response, b []byte) {
	x := c.x
	if !x.upgrade {
		x.flags |= flagUpstreamReset
		c.fail(502)
		return
	}
	x.status, x.begun, x.up, c.phase = r.Status, true, inTunnel, tunnel
	x.deadline, x.tryDeadline = 0, 0
	protocol := r.First(h1.Upgrade)
	if h1.EqualFold(protocol, "websocket") {
		x.protocol = probe.WebSocket
	}
	out := h1.AppendStatusLine(c.loop.out[:0], r.Status, r.Reason)
	out = r.AppendFields(out, &x.edits)
	out = x.edits.AppendTo(out)
	out = append(out, "Connection: Upgrade\r\n"...)
	out = append(h1.AppendField(out, "Upgrade", protocol), "\r\n"...)
	x.respondLen += uint64(len(b))
	c.loop.out = append(out, b...)
	c.toClient(c.loop.out)
	if kept := c.kept[c.read:]; len(kept) > 0 {
		c.toUpstream(kept)
	}
	c.dropKept()
	if c.ended {
		c.io.ShutdownUpstream()
	}
}

// endTunnel closes both connections once both sides have ended.
func (c *Conn) endTunnel() {
	if c.ended && c.x.upstreamEnded {
		c.x.received = c.loop.now
		c.close()
	}
}
