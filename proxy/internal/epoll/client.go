//go:build linux

package epoll

import (
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
)

// client is a client's connection; it is the exchange.Driver of its core.
type client struct {
	socket
	loop *loop
	core exchange.Conn
	up   *backend
	// ended: there is no more input. gone: the kernel has given up both
	// directions. queued: it is in loop.resume.
	ended, gone, queued bool
	// closedAt is when the core was done, though output was left.
	closedAt int64
}

func (l *loop) handleClient(c *client, events uint32) {
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.hup, c.readable = true, true
		c.gone = events&(unix.EPOLLHUP|unix.EPOLLERR) != 0
	}
	if events&unix.EPOLLIN != 0 {
		c.readable = true
	}
	if events&unix.EPOLLOUT != 0 && len(c.out) > 0 && l.flush(&c.socket) && !c.broken && !c.core.Closed() {
		c.core.ClientFlushed()
	}
	l.advance(c)
}

// advance reads for a connection, from either side, as long as there is input
// that is wanted.
func (l *loop) advance(c *client) {
	for range fair {
		if c.broken && !c.core.Closed() {
			c.core.ClientClosed()
		}
		if c.dead || !l.readClient(c) && !l.readBackend(c) {
			return
		}
	}
	l.later(c)
}

// later has a connection advance again after this batch.
func (l *loop) later(c *client) {
	if !c.queued && !c.dead {
		c.queued = true
		l.resume = append(l.resume, c)
	}
}

// readClient reads once from the client, and reports whether it did.
func (l *loop) readClient(c *client) bool {
	if !c.readable || c.ended || c.core.Closed() {
		return false
	}
	want := c.core.ClientWant(len(l.buf))
	if want == 0 {
		c.notWanted()
		return false
	}
	n, e := read(c.fd, l.buf[:want])
	switch {
	case e == unix.EAGAIN:
		c.readable = false
		return false
	case e != 0:
		c.core.ClientClosed()
	case n == 0:
		c.ended = true
		c.core.ClientEnded()
	default:
		if n < want && !c.hup {
			c.readable = false
		}
		c.core.ClientData(l.buf[:n])
	}
	return true
}

// notWanted tells the core what is known of a client that is not read from:
// its end is announced but once, and input may still lie in front of it.
func (c *client) notWanted() {
	switch {
	case c.gone:
		c.core.ClientClosed()
	case c.hup:
		c.core.ClientLeaving()
	}
}

// tick lets time pass.
func (l *loop) tick(c *client) {
	if !c.core.Closed() {
		c.core.Tick()
		l.advance(c)
		return
	}
	if l.state.Now()-c.closedAt > int64(flushTime) {
		l.reset(&c.socket)
	}
}

// WriteClient implements exchange.Driver.
func (c *client) WriteClient(b []byte) bool {
	flushed := c.loop.send(&c.socket, b)
	if c.broken {
		// To be reported outside of the core's own call.
		c.loop.later(c)
	}
	return flushed
}

// ShutdownClient implements exchange.Driver.
func (c *client) ShutdownClient() { c.loop.shutdown(&c.socket) }

// CloseClient implements exchange.Driver.
func (c *client) CloseClient() {
	if len(c.out) == 0 || c.broken {
		c.loop.kill(&c.socket)
		return
	}
	c.closeAfter, c.closedAt = true, c.loop.state.Now()
}

// AbortClient implements exchange.Driver.
func (c *client) AbortClient() { c.loop.reset(&c.socket) }

// Take implements exchange.Driver.
func (c *client) Take(e *balance.Endpoint, r exchange.Reuse) exchange.Taken {
	if r != exchange.ReuseNone {
		if b := c.loop.pool.take(c.loop, e, r == exchange.ReuseChecked); b != nil {
			c.up, b.owner = b, c
			return exchange.Reused
		}
	}
	b := c.loop.dial(e)
	if b == nil {
		return exchange.Unavailable
	}
	c.up, b.owner = b, c
	if b.failed != nil {
		c.loop.later(c)
	}
	return exchange.Dialing
}

// WriteUpstream implements exchange.Driver.
func (c *client) WriteUpstream(b []byte) bool {
	flushed := c.loop.send(&c.up.socket, b)
	if c.up.broken {
		// The answer may have come before; reading tells.
		c.up.readable = true
		c.loop.later(c)
	}
	return flushed
}

// ShutdownUpstream implements exchange.Driver.
func (c *client) ShutdownUpstream() { c.loop.shutdown(&c.up.socket) }

// ReleaseUpstream implements exchange.Driver.
func (c *client) ReleaseUpstream() {
	b := c.up
	c.up, b.owner = nil, nil
	c.loop.pool.put(c.loop, b)
}

// CloseUpstream implements exchange.Driver.
func (c *client) CloseUpstream() {
	b := c.up
	c.up, b.owner = nil, nil
	c.loop.kill(&b.socket)
}
