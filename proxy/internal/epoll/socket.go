//go:build linux

package epoll

import (
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/keepalive"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/sockinfo"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// socket is a descriptor that the loop has registered, and what waits to be
// sent there: a connection, which is the exchange.Transport of its peer; a
// listener, which has a port; or the event descriptor.
type socket struct {
	loop *loop
	// door is that of a listener, and of those who came in by it; backends'
	// connections have none.
	door *overload.Door
	fd   int
	port uint16
	// connection: it is one. Its peer is nil as long as a client's TLS handshake
	// has not ended.
	connection bool
	peer       exchange.Peer
	// tls is nil for plaintext.
	tls *secure
	// header is what a backend is sent first, before the handshake.
	header []byte
	// failed is why there will be no connection.
	failed error

	// readable: there may be input in the kernel. hup: the other side has ended
	// its half, so that a short read does not mean that all was read. gone: the
	// kernel has given up both directions.
	readable, hup, gone bool
	// ended: there is no more input. broken: a write has failed, of which the
	// peer was told or not.
	ended, broken, told bool
	// done: the peer has closed the connection. dead sockets are closed at the
	// end of the batch.
	done, dead bool
	// shutAfter and closeAfter are to be done when out is sent.
	shutAfter, closeAfter bool
	// dialing: the peer is a backend's, and was not told that it is connected.
	dialing bool
	paused  bool // a listener that is out of the kernel's set
	queued  bool // it is in loop.resume or loop.tired

	// portion is how much of it is read at once.
	portion portion

	// urgent: urgent data have come. The kernel does not pass on what lies behind them, and
	// reads end there.
	urgent bool

	// What waits to be sent: the pipe's contents first, then out[sent:].
	pipe *pipe
	out  []byte
	sent int
	// doneAt is when the peer was done, though output was left.
	doneAt int64
}

// Write implements exchange.Transport.
func (s *socket) Write(b []byte) bool {
	flushed := s.loop.send(s, b)
	if s.broken {
		// To be reported outside of the peer's own call.
		s.loop.later(s)
	}
	return flushed
}

// Resume implements exchange.Transport.
func (s *socket) Resume() {
	if s.readable || s.tls != nil && s.tls.full {
		s.loop.later(s)
	}
}

// Shutdown implements exchange.Transport.
func (s *socket) Shutdown() { s.loop.shutdown(s) }

// Close implements exchange.Transport.
func (s *socket) Close() {
	if s.tls != nil {
		s.tls.notify()
		s.loop.flush(s)
	}
	if !s.waits() || s.broken {
		s.loop.kill(s)
		return
	}
	s.done, s.closeAfter, s.doneAt = true, true, s.loop.state.Now()
}

// Drop implements exchange.Transport.
func (s *socket) Drop() { s.loop.kill(s) }

// Abort implements exchange.Transport.
func (s *socket) Abort() { s.loop.reset(s) }

// Silent implements exchange.Transport.
func (s *socket) Silent(look exchange.Look) bool {
	switch {
	case s.dead || s.broken || s.hup || s.waits() || s.loop.stopping:
		return false
	case s.tls != nil && !s.tls.silent():
		return false
	case look == exchange.Glance && !s.readable:
		return true
	}
	quiet := silent(s.fd)
	s.readable = !quiet
	return quiet
}

// Local implements exchange.Transport.
func (s *socket) Local() netip.AddrPort {
	if s.dead {
		return netip.AddrPort{}
	}
	return local(s.fd)
}

// Patient implements exchange.Patient.
func (s *socket) Patient() {
	if !s.dead {
		_ = keepalive.Lift(s.fd)
	}
}

// Measure implements exchange.Measured.
func (s *socket) Measure() traffic.Socket {
	if s.dead {
		return traffic.Socket{}
	}
	return sockinfo.Read(s.fd)
}

// Become implements exchange.Transport.
func (s *socket) Become(p exchange.Peer) { s.peer = p }

// connecting reports whether there is no connection yet, which TLS needs.
func (s *socket) connecting() bool {
	return s.dialing && (s.tls == nil || s.tls.conn == nil)
}

// connected tells the peer that it is.
func (s *socket) connected() {
	s.dialing = false
	s.peer.(exchange.Backend).Connected()
}

// flushed tells the peer that all that it wrote has gone.
func (s *socket) flushed() {
	if s.peer != nil && !s.dialing && !s.broken && !s.done {
		s.peer.Flushed()
	}
}

// handleConnection takes the kernel's word of a connection.
func (l *loop) handleConnection(s *socket, events uint32) {
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		s.hup, s.readable = true, true
		// Where both sides have ended in good order, EPOLLHUP says no more than
		// that, and input may be left.
		s.gone = s.gone || events&unix.EPOLLERR != 0
	}
	if events&unix.EPOLLIN != 0 {
		s.readable = true
	}
	if events&unix.EPOLLPRI != 0 {
		s.urgent = true
	}
	switch {
	case s.connecting():
		l.dialed(s, events)
	case events&unix.EPOLLOUT == 0 || !s.waits():
	case l.flush(s):
		s.flushed()
	default:
		s.flowed()
	}
	l.advance(s)
}

// tick lets time pass.
func (l *loop) tick(s *socket) {
	switch {
	case s.done:
	case s.peer != nil:
		s.peer.Tick()
		l.advance(s)
		return
	case s.tls.greeting != nil && s.tls.greeting.slow(l.state.Now(), l.gate.Level()):
		l.tellShaken(s.tls.greeting, "", os.ErrDeadlineExceeded)
		l.kill(s)
	}
	if s.done && !s.dead && l.state.Now()-s.doneAt > int64(flushTime) {
		l.reset(s)
	}
}
