//go:build linux

package epoll

import (
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

const (
	outSize    = 16 << 10
	maxOutSize = 128 << 10
	maxSpare   = 128
)

// send writes b, or keeps what the kernel does not take. It reports whether
// nothing is kept.
func (l *loop) send(s *socket, b []byte) bool {
	if s.broken || s.dead || len(b) == 0 {
		return true
	}
	if s.tls != nil {
		s.broken = !s.tls.encrypt(b)
		return s.broken || l.flush(s)
	}
	if !s.waits() {
		n, e := write(s.fd, b)
		if e != 0 && e != unix.EAGAIN {
			s.broken = true
			return true
		}
		if e == 0 {
			b = b[n:]
		}
		if len(b) == 0 {
			return true
		}
	}
	if s.out == nil && (len(l.spare) > 0 || l.gate.Level() == overload.Normal) {
		s.out = l.buffer()
	}
	larger, moved := l.state.Enlarge(s.out, len(b))
	if moved {
		l.free(s.out)
	}
	s.out = append(larger, b...)
	return false
}

// waits reports whether anything waits to be sent.
func (s *socket) waits() bool { return s.pipe != nil || len(s.unsent()) > 0 }

// unsent is what waits to be sent, but for what is in the pipe.
func (s *socket) unsent() []byte {
	if s.tls != nil {
		return s.tls.unsent()
	}
	return s.out[s.sent:]
}

// flush sends what was kept, and reports whether that has come to an end.
func (l *loop) flush(s *socket) bool {
	if s.pipe != nil && !l.drain(s) {
		return false
	}
	for b := s.unsent(); len(b) > 0 && !s.broken; b = s.unsent() {
		n, e := write(s.fd, b)
		switch {
		case e == unix.EAGAIN:
			return false
		case e != 0:
			s.broken = true
		case s.tls != nil:
			s.tls.conn.Flushed(n)
		default:
			s.sent += n
		}
	}
	l.free(s.out)
	s.out, s.sent = nil, 0
	if s.shutAfter {
		l.shutdown(s)
	}
	if s.closeAfter {
		l.kill(s)
	}
	return true
}

// shutdown ends the sending side after what is kept.
func (l *loop) shutdown(s *socket) {
	if s.tls != nil && !s.shutAfter {
		s.tls.notify()
		l.flush(s)
	}
	if s.shutAfter = s.waits() && !s.broken; !s.shutAfter {
		// A peer that is gone already makes no difference.
		_ = unix.Shutdown(s.fd, unix.SHUT_WR)
	}
}

// kill has the descriptor closed at the end of the batch.
func (l *loop) kill(s *socket) {
	if s.dead {
		return
	}
	s.dead, s.done = true, true
	l.dropPipe(s)
	if s.tls != nil {
		l.shaking.end(s.tls)
		s.tls.discard()
	}
	switch {
	case !s.connection:
	case s.door != nil:
		l.connections--
		s.door.Leave()
	default:
		l.connections--
		l.gate.Return()
	}
	l.dead = append(l.dead, s)
}

// reset has the descriptor closed so that the peer sees it broken off.
func (l *loop) reset(s *socket) {
	_ = unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	l.kill(s)
}

func (l *loop) buffer() []byte {
	if n := len(l.spare); n > 0 {
		b := l.spare[n-1]
		l.spare = l.spare[:n-1]
		return b
	}
	return make([]byte, 0, outSize)
}

func (l *loop) free(b []byte) {
	if cap(b) >= outSize && cap(b) <= maxOutSize && len(l.spare) < maxSpare {
		l.spare = append(l.spare, b[:0])
	}
}
