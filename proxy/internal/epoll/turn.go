//go:build linux

package epoll

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// fairReads is how many reads a connection gets before the others have their turn,
// and fairTime how long they may take: some input costs far more than its copy.
const (
	fairReads = 16
	fairTime  = 100 * time.Microsecond
)

// advance reads from a connection as long as there is input that is wanted, and
// the others need not wait for too long.
func (l *loop) advance(s *socket) {
	var end time.Time
	for i := range fairReads {
		if s.broken && !s.told && !s.done {
			// What came before may still be read.
			s.told, s.readable = true, true
			s.tellBroken()
		}
		if s.dead || !l.readOnce(s) {
			return
		}
		switch more := s.readable || s.tls != nil; {
		case !more:
			// The clock is not looked at for those who have little to say.
		case i == 0:
			end = time.Now().Add(fairTime)
		case time.Now().After(end):
			l.tire(s)
			return
		}
	}
	l.tire(s)
}

// tire has a connection advance again with the next batch.
func (l *loop) tire(s *socket) {
	if !s.queued && !s.dead {
		s.queued = true
		l.tired = append(l.tired, s)
	}
}

// tellBroken tells the peer that nothing can be sent any more. Without a peer
// there is nobody to wait for.
func (s *socket) tellBroken() {
	if s.peer == nil {
		s.loop.kill(s)
		return
	}
	s.peer.Broken()
}

// later has a connection advance again after this batch.
func (l *loop) later(s *socket) {
	if !s.queued && !s.dead {
		s.queued = true
		l.resume = append(l.resume, s)
	}
}

// readOnce reads once, and reports whether it did.
func (l *loop) readOnce(s *socket) bool {
	if err := s.failed; err != nil {
		s.failed, s.ended = nil, true
		s.peer.Ended(err)
		return true
	}
	switch {
	case s.ended || s.done || s.connecting():
		return false
	case s.tls != nil:
		return l.readSecure(s)
	case !s.readable:
		return false
	}
	want := s.peer.Want(s.portion.of(s.readAtOnce()))
	if want == 0 {
		s.notWanted()
		return false
	}
	if to, most := s.way(); most > 0 {
		if p, e := l.fill(s, most); p != nil {
			return l.pass(s, to, p, e)
		}
	}
	n, e := read(s.fd, l.buf[:want])
	if n <= 0 {
		return s.nothing(e)
	}
	if s.emptied(n, want) {
		s.readable = false
	}
	l.state.Grow(n)
	s.hand(l.buf[:n])
	return true
}

// emptied says whether a read has taken all that there was, which saves another one. What
// comes later is told of as an event of its own, but for the end that was told of already;
// and a read ends at urgent data whatever lies behind them.
func (s *socket) emptied(n, want int) bool { return n < want && !s.hup && !s.urgent }

// nothing handles that there was no input to take, not yet or never again, and
// reports whether the peer was told.
func (s *socket) nothing(e unix.Errno) bool {
	if e == unix.EAGAIN && !s.broken {
		s.readable = false
		return false
	}
	s.ended = true
	if e != 0 {
		s.peer.Ended(e)
	} else {
		s.peer.Ended(nil)
	}
	return true
}

// notWanted tells the peer what is known of a connection that is not read
// from: its end is announced but once, and input may still lie in front of it.
func (s *socket) notWanted() {
	switch {
	case s.gone && !s.told:
		s.told = true
		s.peer.Broken()
	case s.hup:
		s.peer.Leaving()
	}
}

// readAtOnce returns how much is read before it is seen whether it can go on: so
// much may have to be kept. At the last level of overload nothing is read of
// backends, until the next sweep looks again.
func (s *socket) readAtOnce() int {
	switch level := s.loop.gate.Level(); {
	case level < overload.ShedRequests:
		return readSize
	case level < overload.RefuseConnections || s.door != nil:
		return littleSize
	}
	return 0
}
