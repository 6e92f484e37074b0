//go:build linux

package epoll

import (
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
)

// Dial implements exchange.Dialer.
func (l *loop) Dial(e *balance.Endpoint, b exchange.Backend) exchange.Transport {
	fd, err := stream(e.Addr)
	if err != nil {
		return nil
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	s := &socket{loop: l, fd: fd, peer: b, dialing: b}
	if err := unix.Connect(fd, sockaddr(e.Addr)); err != nil && err != unix.EINPROGRESS { //nolint:errorlint // a bare Errno
		s.failed = err
	}
	if l.register(s, everything) != nil {
		unix.Close(fd)
		return nil
	}
	l.connections++
	if s.failed != nil {
		// To be reported outside of the peer's own call.
		l.later(s)
	}
	return s
}

// dialed takes the kernel's word of a connection that is being made.
func (l *loop) dialed(s *socket, events uint32) {
	switch {
	case s.failed != nil:
	case events&(unix.EPOLLHUP|unix.EPOLLERR) != 0:
		s.failed = unix.ECONNREFUSED
	case events&unix.EPOLLOUT != 0:
		b := s.dialing
		s.dialing = nil
		b.Connected()
	}
}
