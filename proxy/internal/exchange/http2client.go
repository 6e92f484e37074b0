package exchange

import (
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

// http2Client is a client's HTTP/2 connection. Each of its streams carries one
// exchange.
type http2Client struct {
	origin
	conn h2.Conn
	// streams are the open ones.
	streams *http2Stream
	valve   valve
	// pending: the connection is in Loop.dirty.
	pending, closed bool
	// held is the capacity of what the streams could not take of their responses.
	held int
	// since is the instant of the last input.
	since int64
	// said is that of the last output.
	said int64
}

// acceptHTTP2 returns the Peer of a connection that speaks HTTP/2.
func (o *origin) acceptHTTP2() *http2Client {
	c := &http2Client{origin: *o, since: o.loop.now}
	c.conn.Init(h2.Server, &o.loop.http2, (*requestEvents)(c), o.loop.now)
	o.loop.dirt(c)
	return c
}

// Want implements Peer. What the client may send before it is wanted is a
// matter of HTTP/2's own windows, as long as there is the memory that they promise.
func (c *http2Client) Want(most int) int { return c.valve.want(c.loop, &c.conn, most) }

// Ahead implements Peer.
func (c *http2Client) Ahead() int { return 0 }

// Data implements Peer.
func (c *http2Client) Data(b []byte) {
	c.since = c.loop.now
	c.loop.hold()
	c.conn.Receive(c.loop.now, b)
	c.loop.unhold()
	c.loop.dirt(c)
}

// Leaving implements Peer.
func (c *http2Client) Leaving() {}

// Ended implements Peer.
func (c *http2Client) Ended(error) { c.Broken() }

// Broken implements Peer.
func (c *http2Client) Broken() {
	if !c.closed {
		c.release()
		c.io.Drop()
	}
}

// Flushed implements Peer.
func (c *http2Client) Flushed() {
	c.since = c.loop.now
	c.conn.Written(true)
	c.loop.dirt(c)
}

// Tick implements Peer.
func (c *http2Client) Tick() {
	c.own.sweep()
	c.valve.look(c.loop, &c.conn, c.io)
	for st := c.streams; st != nil; {
		next := st.next
		if st.x != nil {
			st.x.tick()
		}
		st = next
	}
	if c.streams == nil {
		c.conn.Trim()
	}
	if c.streams != nil && c.watch() {
		return
	}
	limits := &c.loop.limits
	idle := c.elapsed(c.since, limits.Idle)
	owed, expecting := c.conn.Expecting()
	switch {
	case expecting && c.elapsed(owed, limits.Head):
		c.conn.Fail(&h2.Error{Code: h2.EnhanceYourCalm, Reason: "a frame took too long"})
		c.loop.dirt(c)
	case c.streams != nil && !c.loop.crowded():
	case idle && c.conn.Drained():
		c.Broken()
	case idle || c.loop.draining():
		c.conn.Drain()
		c.loop.dirt(c)
	}
}

func (c *http2Client) elapsed(since int64, limit time.Duration) bool {
	return time.Duration(c.loop.now-since) >= limit
}

// CloseIdle implements Peer.
func (c *http2Client) CloseIdle() {
	c.conn.Drain()
	c.loop.dirt(c)
}

// writeOut sends what the connection has to say, and closes it if that was the
// last.
func (c *http2Client) writeOut() {
	c.pending = false
	if c.closed {
		return
	}
	if len(c.conn.Out) > 0 {
		c.said = c.loop.now
	}
	writeFrames(&c.conn, c.io)
	if c.conn.Err() != nil || c.conn.Drained() {
		c.release()
		c.io.Close()
		return
	}
	c.valve.look(c.loop, &c.conn, c.io)
}

// release gives back what the connection holds.
func (c *http2Client) release() {
	c.closed = true
	c.conn.Closed()
	// HTTP/2 knows nothing any more of streams that both sides have ended, whose
	// backends have not.
	for c.streams != nil {
		c.streams.gone()
	}
	c.own.close()
	c.loop.Open.Add(-1)
}

func (c *http2Client) mark() bool {
	was := c.pending
	c.pending = true
	return was
}
