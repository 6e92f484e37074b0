package exchange

import (
	"net/http"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// write sends bytes to the client.
func (c *http1Client) write(b []byte) {
	if !c.io.Write(b) {
		c.unsent = true
	}
}

func (c *http1Client) interim(r *h1.Response) {
	if c.x.minor0 {
		// HTTP/1.0 knows of none.
		return
	}
	out := h1.AppendStatusLine(c.loop.gather(c), r.Status, r.Reason)
	c.loop.out = append(r.AppendFields(out, nil), "\r\n"...)
}

func (c *http1Client) head(r *h1.Response, body framing) {
	x := c.x
	x.encode = body == unsized && !x.minor0
	if body == unsized && x.minor0 {
		c.closing = true
	}
	// A request whose body nobody will read to its end leaves nothing to go on
	// with.
	if c.phase == inBody || c.last() || c.loop.draining() {
		c.closing, c.polite = true, true
	}
	out := h1.AppendStatusLine(c.loop.gather(c), r.Status, reason(r))
	out = r.AppendFields(out, x.dropper())
	out = append(x.edits.AppendTo(out), x.bytes(x.extra)...)
	switch {
	case x.encode:
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	case body >= 0:
		out = h1.AppendLength(out, int64(body))
	case r.Length >= 0 && r.Status != 204:
		out = h1.AppendLength(out, r.Length)
	}
	c.loop.out = append(c.appendConnection(out), "\r\n"...)
}

// last reports whether no other request can follow. A client that has ended its
// side may have sent some before, and is owed their answers (RFC 9112, section
// 9.3.2).
func (c *http1Client) last() bool { return c.ended && c.keptLen() == 0 }

// reason is the reason phrase of a response; one that came by HTTP/2 has none.
func reason(r *h1.Response) []byte {
	if r.Reason == nil {
		return []byte(http.StatusText(r.Status))
	}
	return r.Reason
}

// appendConnection says whether the connection persists, where the client's
// version does not.
func (c *http1Client) appendConnection(out []byte) []byte {
	switch {
	case c.closing:
		out = append(out, "Connection: close\r\n"...)
	case c.x.minor0:
		out = append(out, "Connection: keep-alive\r\n"...)
	}
	return out
}

func (c *http1Client) data(b []byte) {
	if c.x.encode {
		c.loop.out = h1.AppendChunk(c.loop.gather(c), b)
		return
	}
	c.loop.send(c, b)
}

func (c *http1Client) end(trailer []byte) {
	if c.phase == inTunnel {
		c.close()
		return
	}
	if c.x.encode {
		c.loop.out = h1.AppendLastChunk(c.loop.gather(c), trailer)
	}
	c.flush()
	c.finish()
}

func (c *http1Client) flush() { c.loop.flushFor(c) }

// finish ends the exchange after its response was written.
func (c *http1Client) finish() {
	unread := c.phase == inBody
	x := c.x
	c.x = nil
	x.finish()
	switch {
	case unread || c.closing && (c.polite || c.keptLen() > 0):
		c.lingerOn()
	case c.closing:
		c.close()
	default:
		c.phase, c.since = idle, c.loop.now
		c.pump()
		c.io.Resume()
	}
}

func (c *http1Client) switched(r *h1.Response) {
	x := c.x
	c.phase = inTunnel
	if r.Status == http.StatusSwitchingProtocols {
		c.upgraded(r)
	} else {
		c.bootstrapped(r)
	}
	c.flush()
	if kept := c.kept[c.read:]; len(kept) > 0 {
		x.requestData(kept)
		x.requestFlush()
	}
	c.dropKept()
	if c.ended {
		x.requestEnd(nil)
	}
	c.io.Resume()
}

// upgraded passes on the 101 of a backend.
func (c *http1Client) upgraded(r *h1.Response) {
	x := c.x
	out := h1.AppendStatusLine(c.loop.gather(c), r.Status, reason(r))
	out = r.AppendFields(out, x.dropper())
	out = append(x.edits.AppendTo(out), x.bytes(x.extra)...)
	out = append(out, "Connection: Upgrade\r\n"...)
	c.loop.out = append(h1.AppendField(out, "Upgrade", r.First(h1.Upgrade)), "\r\n"...)
}

// bootstrapped makes a 101 of the success by which an HTTP/2 backend has opened
// a WebSocket. The client is answered the key that this one has not seen.
func (c *http1Client) bootstrapped(r *h1.Response) {
	x := c.x
	const status = http.StatusSwitchingProtocols
	out := h1.AppendStatusLine(c.loop.gather(c), status, []byte(http.StatusText(status)))
	out = r.AppendFields(out, acceptDropper{x})
	out = append(x.edits.AppendTo(out), x.bytes(x.extra)...)
	out = append(out, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "...)
	c.loop.out = append(appendAccept(out, x.bytes(x.key)), "\r\n\r\n"...)
}

func (c *http1Client) shut() { c.io.Shutdown() }

func (c *http1Client) answer(status int, location []byte) {
	x := c.x
	x.status, x.stage = status, answering
	if c.phase == inBody || c.last() || c.loop.draining() {
		c.closing, c.polite = true, true
	}
	text := http.StatusText(status)
	out := h1.AppendStatusLine(c.loop.gather(c), status, []byte(text))
	if location != nil {
		out = h1.AppendField(out, "Location", location)
	}
	out = append(x.edits.AppendTo(out), x.bytes(x.extra)...)
	if status != http.StatusNoContent {
		if !x.edits.Drops(contentType) {
			out = append(out, "Content-Type: text/plain; charset=utf-8\r\n"...)
		}
		out = h1.AppendLength(out, int64(len(text)+1))
	}
	out = append(c.appendConnection(out), "\r\n"...)
	if !x.isHead && status != http.StatusNoContent {
		out = append(append(out, text...), '\n')
		x.respondLen = uint64(len(text) + 1)
	}
	c.loop.out = out
	c.flush()
	c.finish()
}

// abort breaks off whatever is in progress.
func (c *http1Client) abort() {
	c.release()
	c.io.Abort()
}

func (c *http1Client) resume() { c.io.Resume() }

func (c *http1Client) room(most int) int {
	if c.unsent {
		return 0
	}
	return most
}

func (c *http1Client) blocked() bool { return c.unsent }
func (c *http1Client) leaving() bool { return c.left }
func (c *http1Client) starved() bool { return false }
