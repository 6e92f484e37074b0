package exchange

import (
	"net/http"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// answerOwn answers a request that needs no backend, and goes on with the
// connection if the whole request is there. It returns the input behind it.
func (c *Conn) answerOwn(status int, location, rest []byte) []byte {
	x := c.x
	if c.phase == body {
		// The body is taken from what came along, and written nowhere.
		mark := len(x.buf)
		rest = c.bodyAlong(rest)
		if c.x == nil {
			return nil
		}
		x.buf = x.buf[:mark]
	}
	c.respond(status, location)
	return rest
}

// refuse answers a request that cannot be understood, or not to its end, and
// ends the connection.
func (c *Conn) refuse(status int) {
	c.closing, c.polite = true, true
	c.fail(status)
}

// fail gives up the request: by an answer of our own, or if the backend's has
// begun, by breaking it off.
func (c *Conn) fail(status int) {
	c.closeUpstream()
	if c.x.begun {
		c.abort()
		return
	}
	c.respond(status, nil)
}

// respond writes an answer of our own.
func (c *Conn) respond(status int, location []byte) {
	x := c.x
	x.status, x.begun = status, true
	if c.phase == body || c.leaving || c.loop.draining() {
		c.closing, c.polite = true, true
	}
	text := http.StatusText(status)
	out := h1.AppendStatusLine(x.buf, status, []byte(text))
	start := len(x.buf)
	if location != nil {
		out = h1.AppendField(out, "Location", location)
	}
	out = x.edits.AppendTo(out)
	if !x.edits.Drops([]byte("Content-Type")) {
		out = append(out, "Content-Type: text/plain; charset=utf-8\r\n"...)
	}
	out = h1.AppendLength(out, int64(len(text)+1))
	out = append(c.appendConnection(out), "\r\n"...)
	if !x.isHead {
		out = append(append(out, text...), '\n')
		x.respondLen = uint64(len(text) + 1)
	}
	x.buf = out
	c.toClient(out[start:])
	c.finish()
}
