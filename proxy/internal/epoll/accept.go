//go:build linux

package epoll

import (
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
)

// acceptBatch bounds the connections that are accepted before others have
// their turn; the listener is level-triggered, and reports the rest again.
const acceptBatch = 64

// connectionSize is about what a connection costs the kernel and us, before it
// has done anything.
const connectionSize = 8 << 10

func (l *loop) addListener(fd int, port uint16) error {
	return l.register(&socket{loop: l, fd: fd, port: port, door: l.gate.Door(port)}, unix.EPOLLIN)
}

// removeListener closes a port's socket, after taking in who waits there: a
// connection that the kernel has acknowledged is not refused.
func (l *loop) removeListener(port uint16) {
	for _, s := range l.sockets {
		if s == nil || s.port != port || s.dead {
			continue
		}
		for l.acceptOne(s) {
		}
		if s.paused {
			l.paused--
		}
		// Closed at once, so that the port is free when the caller goes on.
		s.dead = true
		l.sockets[s.fd] = nil
		// Who else holds the socket does not make it listen on.
		_ = unix.Shutdown(s.fd, unix.SHUT_RD)
		unix.Close(s.fd)
	}
}

func (l *loop) acceptAll(s *socket) {
	for range acceptBatch {
		if !l.acceptOne(s) {
			return
		}
	}
}

func (l *loop) acceptOne(s *socket) bool {
	fd, from, e := accept(s.fd)
	switch e {
	case 0:
	case unix.ECONNABORTED, unix.EINTR:
		return true
	case unix.EAGAIN:
		return false
	default:
		l.pause(s)
		return false
	}
	if !s.door.Enter() {
		resetAtOnce(fd)
		return true
	}
	// Small responses must not wait for acknowledgements.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	c := &socket{loop: l, fd: fd, connection: true, door: s.door}
	if l.register(c, everything) != nil {
		s.door.Leave()
		unix.Close(fd)
		return true
	}
	l.connections++
	l.state.Grow(connectionSize)
	origin := exchange.Origin{Client: from, Port: s.port}
	if config := l.state.TLS(s.port); config != nil {
		l.secureClient(c, config, origin)
	} else {
		c.peer = l.state.Accept(c, origin)
	}
	return true
}

// resetAtOnce closes a connection that may not come in. The reset leaves no
// state behind in the kernel.
func resetAtOnce(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.Close(fd)
}

// pause takes a listener out of the kernel's set until the next sweep: for
// want of descriptors or memory it would be reported without end.
func (l *loop) pause(s *socket) {
	if !s.paused && unix.EpollCtl(l.poll, unix.EPOLL_CTL_DEL, s.fd, nil) == nil {
		s.paused = true
		l.paused++
	}
}

func (l *loop) retryListeners() {
	for _, s := range l.sockets {
		if s != nil && s.paused && !s.dead && l.register(s, unix.EPOLLIN) == nil {
			s.paused = false
			l.paused--
		}
	}
}
