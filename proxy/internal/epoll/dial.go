//go:build linux

package epoll

import (
	"crypto/tls"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/keepalive"
)

// Dial implements exchange.Dialer.
func (l *loop) Dial(e *balance.Endpoint, config *tls.Config, header []byte, b exchange.Backend) exchange.Transport {
	if !l.gate.Borrow() {
		return nil
	}
	fd, err := stream(e.Addr)
	if err != nil {
		l.gate.Return()
		return nil
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = keepalive.Set(fd)
	s := &socket{loop: l, fd: fd, connection: true, peer: b, dialing: true, header: header}
	if config != nil {
		s.tls = &secure{config: config, handshaking: true}
	}
	if err := unix.Connect(fd, sockaddr(e.Addr)); err != nil && err != unix.EINPROGRESS { //nolint:errorlint // a bare Errno
		s.failed = err
	}
	if l.register(s, everything) != nil {
		l.gate.Return()
		unix.Close(fd)
		return nil
	}
	l.connections++
	l.state.Grow(connectionSize)
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
	case events&unix.EPOLLOUT == 0:
	case !s.sendHeader():
		s.failed = unix.ECONNRESET
	case s.tls != nil:
		l.secureBackend(s)
	default:
		s.connected()
	}
}

// sendHeader sends what comes before everything, and reports whether it could.
// The buffer of a new connection takes more than that.
func (s *socket) sendHeader() bool {
	if len(s.header) == 0 {
		return true
	}
	n, e := write(s.fd, s.header)
	all := e == 0 && n == len(s.header)
	s.header = nil
	return all
}
