package netdriver

import (
	"crypto/tls"
	"net"
)

// sender is the sending side of a connection. It is guarded by the shard's
// mutex, but for the write itself, which belongs to who has set busy.
type sender struct {
	nc               net.Conn
	pending, sending []byte
	// shut and end are what follows what is pending: the end of the sending
	// side, or of the connection.
	shut, end bool
	busy      bool
	broken    bool
}

// write queues b.
func (s *sender) write(b []byte) {
	if !s.broken {
		s.pending = append(s.pending, b...)
	}
}

// idle reports whether there is nothing to do.
func (s *sender) idle() bool { return len(s.pending) == 0 && !s.shut && !s.end }

// next returns what is to be written now.
func (s *sender) next() []byte {
	s.sending, s.pending = s.pending, s.sending[:0]
	return s.sending
}

// maxKeptOutput is the size of the largest buffer that is kept for reuse.
const maxKeptOutput = 64 << 10

func (s *sender) trim() {
	if cap(s.sending) > maxKeptOutput {
		s.sending = nil
	}
}

// halfCloser is what TCP and TLS connections have in common.
type halfCloser interface{ CloseWrite() error }

func shutdown(nc net.Conn) {
	if h, ok := nc.(halfCloser); ok {
		// A peer that is gone already makes no difference.
		_ = h.CloseWrite()
	}
}

// reset closes a connection so that the peer sees it broken off.
func reset(nc net.Conn) {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	nc.Close()
}
