package exchange

import (
	"errors"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// phase is where an HTTP/1 connection of a client stands.
type phase uint8

const (
	// idle: between requests, or within a head.
	idle phase = iota
	// inBody: the head was taken, the body is still coming.
	inBody
	// inAnswer: the request is complete, its response is not.
	inAnswer
	// inTunnel: bytes go both ways as they are.
	inTunnel
	// linger: closed for sending; input is dropped.
	linger
	closed
)

// http1Client is a client's HTTP/1 connection. Requests on it are served one by
// one.
type http1Client struct {
	origin
	phase phase

	// closing: the connection ends after this response; polite: by our wish,
	// of which the client may not know yet.
	closing, polite bool
	// left: the client has ended its side, though there may be input; ended:
	// there is none.
	left, ended bool
	// unsent: bytes are waiting to be sent.
	unsent bool
	// bulky: the request's body is long enough to be passed on.
	bulky bool
	// consuming: input is being used up further up the stack. used: a request
	// has come.
	consuming, used bool

	// since is the instant of the last progress, and within a head that of its
	// first byte.
	since int64
	// kept is input that came before its time: kept[:read] was used already, and
	// the first scanned bytes after that hold no end of a head.
	kept          []byte
	read, scanned int32

	x *exchange
}

// Want implements Peer.
func (c *http1Client) Want(most int) int {
	switch c.phase {
	case idle:
		if c.unsent {
			return 0
		}
	case inBody:
		switch {
		case !c.x.wantsRequest():
			return 0
		case !c.x.chunked:
			return int(min(c.x.left, int64(most)))
		}
	case inTunnel:
		if !c.x.wantsRequest() {
			return 0
		}
	case inAnswer, closed:
		return 0
	}
	return most
}

// Ahead implements Peer.
func (c *http1Client) Ahead() int {
	if c.phase != inAnswer {
		return 0
	}
	return max(maxKept-c.keptLen(), 0)
}

// Data implements Peer.
func (c *http1Client) Data(b []byte) {
	if c.phase == idle && c.keptLen() == 0 {
		c.since = c.loop.now
	}
	if c.phase == inAnswer || c.keptLen() > 0 {
		c.keep(b)
	} else {
		c.consuming = true
		rest := c.consume(b)
		c.consuming = false
		c.keep(rest)
	}
	c.pump()
}

// consume uses up input as far as it can now, and returns the rest.
func (c *http1Client) consume(b []byte) (rest []byte) {
	switch c.phase {
	case idle:
		return c.headBytes(b)
	case inBody:
		return c.bodyBytes(b)
	case inTunnel:
		c.x.requestData(b)
		c.x.requestFlush()
	}
	return nil
}

// pump serves requests that were sent ahead, one by one.
func (c *http1Client) pump() {
	if c.consuming {
		return
	}
	c.consuming = true
	for c.phase == idle && c.keptLen() > int(c.scanned) && !c.unsent {
		b := c.kept[c.read:]
		rest := c.consume(b)
		if len(rest) == 0 || c.kept == nil {
			c.dropKept()
			break
		}
		c.read += int32(len(b) - len(rest))
	}
	c.consuming = false
	if c.phase == idle && c.ended && !c.unsent {
		c.close()
	}
}

func (c *http1Client) keptLen() int { return len(c.kept) - int(c.read) }

func (c *http1Client) keep(b []byte) {
	if len(b) == 0 || c.phase == linger || c.phase == closed {
		return
	}
	if c.kept == nil {
		c.kept = c.loop.buffer()
	}
	if c.read > 0 {
		c.kept = c.kept[:copy(c.kept, c.kept[c.read:])]
		c.read = 0
	}
	c.kept = c.loop.extend(c.kept, b)
}

func (c *http1Client) dropKept() {
	if c.kept != nil {
		c.loop.free(c.kept)
	}
	c.kept, c.read, c.scanned = nil, 0, 0
}

// headBytes takes the head of a request, and what came along of its body.
func (c *http1Client) headBytes(b []byte) (rest []byte) {
	n, err := h1.Find(b, int(c.scanned))
	if err == nil && n == 0 {
		if c.loop.sheds() {
			c.turnAway()
			return nil
		}
		c.scanned = int32(len(b))
		return b
	}
	c.scanned = 0
	if err == nil && !c.used && string(b[:n]) == prefaceHead {
		c.becomeHTTP2(b)
		return nil
	}
	r := &c.loop.req
	if err == nil {
		err = r.Parse(b[:n])
	}
	if err != nil && !c.used && h1.IsForeign(b) {
		// It is an invalid preface of HTTP/2 at best, to whose sender an answer by
		// HTTP/1 is a frame of megabytes (RFC 9113, section 3.4).
		c.lingerOn()
		return nil
	}
	x := c.begin(c, c.since)
	c.x, c.phase, c.used = x, inBody, true
	if err != nil {
		c.refuse(statusOf(err))
		return nil
	}
	c.closing, c.polite = r.Close, false
	x.left, c.bulky = max(r.Length, 0), r.Length >= bulk
	x.admit(r)
	if x.own == expectationFailed {
		// Whether a body follows is anybody's guess.
		c.closing, c.polite = true, true
	}
	rest = c.bodyBytes(b[n:])
	if c.phase == inBody || c.phase == inAnswer {
		x.proceed()
	}
	return rest
}

// prefaceHead is what HTTP/1 sees of the preface of an HTTP/2 client.
const prefaceHead = "PRI * HTTP/2.0\r\n\r\n"

// becomeHTTP2 gives the connection to who speaks what it began with.
func (c *http1Client) becomeHTTP2(b []byte) {
	h := c.acceptHTTP2()
	c.io.Become(h)
	h.Data(b)
	c.dropKept()
	c.phase = closed
}

func statusOf(err error) int {
	var e *h1.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 400
}

// bodyBytes passes on what belongs to the request's body, and returns the rest.
func (c *http1Client) bodyBytes(b []byte) (rest []byte) {
	x := c.x
	if x.chunked {
		var err error
		if b, err = c.chunks(b); err != nil {
			c.refuse(400)
			return nil
		}
	} else {
		n := min(int64(len(b)), x.left)
		x.left -= n
		if n > 0 {
			x.requestData(b[:n])
		}
		b = b[n:]
		if x.left == 0 {
			c.phase = inAnswer
			x.requestEnd(nil)
		}
	}
	x.requestFlush()
	return b
}

func (c *http1Client) chunks(b []byte) (rest []byte, err error) {
	x := c.x
	for len(b) > 0 && !x.decoder.Done() {
		data, n, err := x.decoder.Next(b)
		if err != nil {
			return nil, err
		}
		if len(data) > 0 {
			x.requestData(data)
		}
		b = b[n:]
	}
	if x.decoder.Done() {
		c.phase = inAnswer
		x.requestEnd(x.decoder.Trailer())
	}
	return b, nil
}

// refuse answers a request that cannot be understood, or not to its end, and
// ends the connection.
func (c *http1Client) refuse(status int) {
	c.closing, c.polite = true, true
	c.x.fail(status)
}

// Flowed implements Peer.
func (c *http1Client) Flowed() {
	if c.since = c.loop.now; c.x != nil {
		c.x.since = c.loop.now
	}
}

// Flushed implements Peer.
func (c *http1Client) Flushed() {
	c.unsent, c.since = false, c.loop.now
	if c.x != nil {
		c.x.clientFlushed()
	}
	c.pump()
	c.io.Resume()
}
