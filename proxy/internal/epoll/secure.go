//go:build linux

package epoll

import (
	"crypto/tls"
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/tlsconn"
)

// secure is the TLS between a socket and its peer.
type secure struct {
	// conn is nil while a backend is being dialed, for which config is kept.
	conn   *tlsconn.Conn
	config *tls.Config
	// greeting is what is known of a client before its handshake has ended.
	greeting *greeting
	// handshaking: the handshake has not ended. waiting: it has its turn to come.
	handshaking, waiting bool
	// full: there may be plaintext that was not taken.
	full bool
	// eof: there is no more ciphertext.
	eof bool
}

// readSecure reads plaintext, or ciphertext if there is none, and reports
// whether it did.
func (l *loop) readSecure(s *socket) bool {
	t := s.tls
	if !t.handshaking && t.full {
		want := s.peer.Want(s.portion.of(min(s.readAtOnce(), len(l.plain))))
		if want == 0 {
			s.notWanted()
			return false
		}
		n, err := t.conn.Read(l.plain[:want])
		l.flush(s)
		switch {
		case n > 0:
			// An end that came within the handshake is still to be told.
			t.full = n == want || t.conn.Buffered() > 0 || t.eof
			s.hand(l.plain[:n])
			return true
		case errors.Is(err, tlsconn.ErrWant):
			t.full = false
		default:
			s.ended = true
			s.peer.Ended(endOf(err))
			return true
		}
	}
	return l.readCipher(s)
}

// readCipher reads from the socket, and reports whether it did.
func (l *loop) readCipher(s *socket) bool {
	t := s.tls
	room := min(t.conn.Room(), len(l.buf))
	if !s.readable || t.eof || room == 0 {
		return false
	}
	n, e := read(s.fd, l.buf[:room])
	switch {
	case e == unix.EAGAIN && !s.broken:
		s.readable = false
		return false
	case e != 0 || n == 0:
		t.eof = true
		t.conn.FeedEOF()
	default:
		if s.emptied(n, room) {
			s.readable = false
		}
		l.state.Grow(n)
		if t.greeting != nil && t.greeting.hear(n, l.gate.Level()) {
			l.gate.Refuse(overload.NotGreeted)
			l.tellShaken(t.greeting, "", tlsconn.ErrFlood)
			l.reset(s)
			return false
		}
		t.conn.Feed(l.buf[:n])
	}
	if t.handshaking {
		l.turns.add(s)
	}
	t.full = true
	return true
}

// endOf is what a peer is told of the end of plaintext: close_notify is an end
// in good order.
func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// silent reports whether no plaintext is there to be read.
func (t *secure) silent() bool { return !t.handshaking && !t.full && !t.eof }

// encrypt makes ciphertext of b, and reports whether it could.
func (t *secure) encrypt(b []byte) bool {
	_, err := t.conn.Write(b)
	return err == nil
}

// unsent is the ciphertext that waits to be sent.
func (t *secure) unsent() []byte {
	if t.conn == nil {
		return nil
	}
	return t.conn.Output()
}

// notify says that no more plaintext will come.
func (t *secure) notify() {
	if t.conn != nil {
		// A connection that has failed says nothing more.
		_ = t.conn.CloseWrite()
	}
}

// discard gives the connection up.
func (t *secure) discard() {
	if t.conn != nil {
		t.conn.Discard()
	}
}
