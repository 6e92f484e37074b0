//go:build linux

package epoll

import (
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// backend is a connection to an endpoint.
type backend struct {
	socket
	endpoint *balance.Endpoint
	// owner is the client's connection that it serves; nil when it is idle.
	owner      *client
	connecting bool
	// failed is why connecting failed at once.
	failed error
	// ended: there is no more input.
	ended     bool
	idleSince int64
}

// dial begins to connect to an endpoint. It returns nil if this process cannot
// have another socket.
func (l *loop) dial(e *balance.Endpoint) *backend {
	fd, err := stream(e.Addr)
	if err != nil {
		return nil
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	b := &backend{socket: socket{fd: fd}, endpoint: e, connecting: true}
	b.socket.backend = b
	if err := unix.Connect(fd, sockaddr(e.Addr)); err != nil && err != unix.EINPROGRESS { //nolint:errorlint // a bare Errno
		b.failed = err
	}
	if l.register(&b.socket, everything) != nil {
		unix.Close(fd)
		return nil
	}
	return b
}

func (l *loop) handleBackend(b *backend, events uint32) {
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		b.hup, b.readable = true, true
	}
	if events&unix.EPOLLIN != 0 {
		b.readable = true
	}
	c := b.owner
	if c == nil {
		// It is idle: what it sends is an answer to nothing.
		if b.readable {
			l.pool.remove(l, b)
		}
		return
	}
	switch {
	case b.failed != nil:
	case b.connecting && events&(unix.EPOLLHUP|unix.EPOLLERR) != 0:
		b.failed = unix.ECONNREFUSED
	case b.connecting && events&unix.EPOLLOUT != 0:
		b.connecting = false
		c.core.UpstreamConnected()
	case events&unix.EPOLLOUT != 0 && len(b.out) > 0 && l.flush(&b.socket):
		if b.broken {
			b.readable = true
		}
		c.core.UpstreamFlushed()
	}
	l.advance(c)
}

// readBackend reads once from the backend, and reports whether it did.
func (l *loop) readBackend(c *client) bool {
	b := c.up
	if b == nil || b.dead {
		return false
	}
	if b.failed != nil {
		c.core.UpstreamClosed(b.failed)
		return true
	}
	if !b.readable || b.ended || b.connecting || !c.core.UpstreamWant() {
		return false
	}
	n, e := read(b.fd, l.buf)
	switch {
	case e == unix.EAGAIN && !b.broken:
		b.readable = false
		return false
	case e != 0:
		b.ended = true
		c.core.UpstreamClosed(e)
	case n == 0:
		b.ended = true
		c.core.UpstreamClosed(nil)
	default:
		if n < len(l.buf) && !b.hup {
			b.readable = false
		}
		c.core.UpstreamData(l.buf[:n])
	}
	return true
}
