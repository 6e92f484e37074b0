package exchange

import (
	"net/netip"
)

// phase is where a client connection stands with its current request.
type phase uint8

const (
	// idle: between requests, or within a head.
	idle phase = iota
	// body: the head was taken, the body is still coming.
	body
	// answer: the request is complete, its response is not.
	answer
	// tunnel: bytes go both ways as they are.
	tunnel
	// linger: closed for sending; input is dropped.
	linger
	closed
)

// Conn is one client connection. Its methods must not be called at the same
// time as those of any Conn of its Loop.
type Conn struct {
	loop   *Loop
	io     Driver
	client netip.AddrPort
	port   uint16
	phase  phase
	secure bool

	// closing: the connection ends after this response; polite: by our wish,
	// of which the client may not know yet.
	closing, polite bool
	// leaving: the client has ended its side, though input may be left; ended:
	// there is none.
	leaving, ended bool
	// clientBlocked and upstreamBlocked: bytes are waiting to be sent there.
	clientBlocked, upstreamBlocked bool

	// since is the instant of the last progress, and within a head that of its
	// first byte.
	since int64
	// kept is input that came before its time: kept[:read] was used already, and
	// the first scanned bytes after that hold no end of a head.
	kept          []byte
	read, scanned int

	x *exchange
}

// Init makes c the state of a connection that was accepted on a port.
func (c *Conn) Init(l *Loop, io Driver, client netip.AddrPort, port uint16, secure Security) {
	*c = Conn{loop: l, io: io, client: client, port: port, secure: secure == TLS, since: l.now}
	l.Open.Add(1)
}

// Security is whether a client connection is encrypted.
type Security uint8

// The kinds of client connections.
const (
	Plaintext Security = iota
	TLS
)

// Closed reports whether the connection has ended for c: the driver closes
// both sides, after what was written where CloseClient said so.
func (c *Conn) Closed() bool { return c.phase == closed }

// ClientWant returns how many bytes may be read from the client, at most; zero
// leaves its input in the kernel, which is the backpressure.
func (c *Conn) ClientWant(most int) int {
	switch c.phase {
	case idle:
		if c.clientBlocked {
			return 0
		}
	case body:
		if c.upstreamBlocked || c.x.up == dialing {
			return 0
		}
		if !c.x.chunked {
			return int(min(c.x.left, int64(most)))
		}
	case tunnel:
		if c.upstreamBlocked {
			return 0
		}
	case answer, closed:
		return 0
	}
	return most
}

// ClientAhead returns how many bytes may be read from the client before they
// are wanted. A driver that cannot see a client leave without reading uses it.
func (c *Conn) ClientAhead() int {
	if c.phase != answer {
		return 0
	}
	return max(maxKept-c.keptLen(), 0)
}

// UpstreamWant reports whether bytes may be read from the backend.
func (c *Conn) UpstreamWant() bool {
	return c.x != nil && c.x.up != noUpstream && c.x.up != dialing && !c.clientBlocked
}

// ClientData takes bytes that the client sent. They may be changed.
func (c *Conn) ClientData(b []byte) {
	if c.phase != linger && (c.phase != idle || c.keptLen() == 0) {
		c.since = c.loop.now
	}
	if c.phase == answer || c.keptLen() > 0 {
		c.keep(b)
	} else {
		c.keep(c.consume(b))
	}
	c.pump()
}

// consume uses up input as far as it can now, and returns the rest.
func (c *Conn) consume(b []byte) (rest []byte) {
	switch c.phase {
	case idle:
		return c.headBytes(b)
	case body:
		return c.bodyBytes(b)
	case tunnel:
		c.toUpstream(b)
	}
	return nil
}

// pump serves requests that were sent ahead, one by one.
func (c *Conn) pump() {
	for c.phase == idle && c.keptLen() > c.scanned && !c.clientBlocked {
		b := c.kept[c.read:]
		rest := c.consume(b)
		if len(rest) == 0 || c.kept == nil {
			c.dropKept()
			break
		}
		c.read += len(b) - len(rest)
	}
	if c.phase == idle && c.ended && !c.clientBlocked {
		c.close()
	}
}

func (c *Conn) keptLen() int { return len(c.kept) - c.read }

func (c *Conn) keep(b []byte) {
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
	c.kept = append(c.kept, b...)
}

func (c *Conn) dropKept() {
	if c.kept != nil {
		c.loop.free(c.kept)
	}
	c.kept, c.read, c.scanned = nil, 0, 0
}

// ClientFlushed reports that all that was written to the client is sent.
func (c *Conn) ClientFlushed() {
	c.clientBlocked = false
	c.since = c.loop.now
	c.pump()
}

// UpstreamFlushed reports that all that was written to the backend is sent.
func (c *Conn) UpstreamFlushed() {
	c.upstreamBlocked = false
	c.since = c.loop.now
}

// ClientLeaving reports that the client has ended its side, though there may
// be input left.
func (c *Conn) ClientLeaving() {
	if !c.leaving {
		c.leaving, c.since = true, c.loop.now
	}
}

// ClientEnded reports that the client has ended its side and all of its input
// was taken.
func (c *Conn) ClientEnded() {
	c.ClientLeaving()
	c.ended = true
	switch c.phase {
	case idle:
		c.pump()
	case linger:
		c.close()
	case body:
		c.refuse(400)
	case tunnel:
		c.io.ShutdownUpstream()
		c.endTunnel()
	}
}

// ClientClosed reports that the client's connection is broken.
func (c *Conn) ClientClosed() {
	if c.phase == closed {
		return
	}
	if c.x != nil {
		c.x.flags |= flagClientCancel
	}
	c.abort()
}

// CloseIdle closes the connection if no request is in progress. It is for
// draining.
func (c *Conn) CloseIdle() {
	if c.phase == idle && c.keptLen() == 0 {
		c.close()
	}
}

func (c *Conn) toClient(b []byte) {
	if !c.io.WriteClient(b) {
		c.clientBlocked = true
	}
}

func (c *Conn) toUpstream(b []byte) {
	if !c.io.WriteUpstream(b) {
		c.upstreamBlocked = true
	}
}

// close ends the connection after what was written.
func (c *Conn) close() {
	c.end()
	c.io.CloseClient()
}

// abort breaks off whatever is in progress.
func (c *Conn) abort() {
	c.end()
	c.io.AbortClient()
}

// end gives back what the connection holds.
func (c *Conn) end() {
	if c.phase == closed {
		return
	}
	c.closeUpstream()
	c.report()
	c.dropKept()
	c.phase = closed
	c.loop.Open.Add(-1)
}

// lingerOn closes the sending side, and drops input for a while.
func (c *Conn) lingerOn() {
	c.dropKept()
	if c.ended {
		c.close()
		return
	}
	c.phase, c.since = linger, c.loop.now
	c.io.ShutdownClient()
}
