//go:build linux

package epoll

import (
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// passSize is how much is passed on at once. Less costs more calls, and each of
// them more; all of it may come to wait for a slow side.
const passSize = pipeSize

// way returns the socket to which the input of s may be passed on as it is, and
// how much of it; zero if it is to be read.
func (s *socket) way() (to *socket, n int) {
	t, offer := s.peer.Pass()
	if t == nil || s.urgent {
		return nil, 0
	}
	to = t.(*socket)
	// A connection that has failed takes everything, and it is lost.
	if to.tls != nil || to.waits() || to.broken || to.dead || s.loop.gate.Level() >= overload.ShedRequests {
		return nil, 0
	}
	return to, int(min(offer, passSize))
}

// fill moves up to most bytes of input into an empty pipe, which is nil if they
// have to be read. The error is that of the socket.
func (l *loop) fill(s *socket, most int) (*pipe, unix.Errno) {
	p := l.pipes.take()
	if p == nil {
		return nil, 0
	}
	n, e := splice(s.fd, p.w, most)
	switch e {
	case 0:
		p.left = n
	case unix.EINVAL, unix.ENOSYS, unix.EPERM:
		// Not this connection's fault: there are sandboxes that have no splice.
		l.pipes.close(p)
		l.pipes.refused = true
		return nil, 0
	}
	return p, e
}

// pass sends what is in a pipe, input of s, to another socket. It reports
// whether there was any, or the error says that there will be none.
func (l *loop) pass(s, to *socket, p *pipe, e unix.Errno) bool {
	n := p.left
	if n == 0 {
		l.pipes.put(p)
		return s.nothing(e)
	}
	l.state.Grow(n)
	to.pipe, p.told = p, n
	flushed := l.drain(to)
	if to.broken {
		// To be reported outside of the peer's own call.
		l.later(to)
	}
	s.peer.Passed(n, flushed)
	return true
}

// drain sends what is in the pipe to a socket, and reports whether that has come
// to an end.
func (l *loop) drain(s *socket) bool {
	p := s.pipe
	for p.left > 0 && !s.broken {
		n, e := splice(p.r, s.fd, p.left)
		switch {
		case e == unix.EAGAIN:
			return false
		case e != 0 || n == 0:
			s.broken = true
		default:
			p.left -= n
			l.passed.Add(uint64(n))
		}
	}
	l.dropPipe(s)
	return true
}

// flowed tells the peer if a read's worth of the pipe's contents has gone. Where
// there is no peer any more, that much gives the rest its time anew: it is not
// more than what would have been copied.
func (s *socket) flowed() {
	p := s.pipe
	switch {
	case p == nil || p.told-p.left < readSize:
		return
	case s.done:
		s.doneAt = s.loop.state.Now()
	default:
		s.peer.Flowed()
	}
	p.told = p.left
}

// dropPipe lets go of the pipe to a socket, if there is one.
func (l *loop) dropPipe(s *socket) {
	if s.pipe != nil {
		l.pipes.put(s.pipe)
		s.pipe = nil
	}
}
