//go:build unix

package l4

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// source reads from a connection into a borrowed buffer. While it waits for a
// socket it holds none: a thousand idle tunnels share the few that are in use.
type source struct {
	conn net.Conn
	// lend says where a buffer comes from, pool where buf is from.
	lend  func() *bufferPool
	pool  *bufferPool
	buf   *[]byte
	raw   syscall.RawConn // nil for what is not a socket itself
	fetch func(fd uintptr) bool
	n     int
	err   error
}

func newSource(c net.Conn, lend func() *bufferPool) (*source, error) {
	s := &source{conn: c, lend: lend}
	s.fetch = s.read
	if sc, ok := c.(syscall.Conn); ok {
		raw, err := sc.SyscallConn()
		if err != nil {
			return nil, err
		}
		s.raw = raw
	}
	return s, nil
}

// next waits for bytes and returns them, in a buffer that is the source's and
// valid until done. The end of a stream is io.EOF, an empty datagram is nothing
// without an error.
func (s *source) next() ([]byte, error) {
	if s.raw == nil {
		if s.buf == nil {
			s.borrow()
		}
		n, err := s.conn.Read(*s.buf)
		return (*s.buf)[:n], err
	}
	if err := s.raw.Read(s.fetch); err != nil {
		return nil, err
	}
	if s.err != nil {
		return nil, s.err
	}
	return (*s.buf)[:s.n], nil
}

// read takes what there is, and says whether there was something.
func (s *source) read(fd uintptr) bool {
	s.borrow()
	for {
		s.n, s.err = syscall.Read(int(fd), *s.buf)
		if !errors.Is(s.err, syscall.EINTR) {
			break
		}
	}
	if errors.Is(s.err, syscall.EAGAIN) {
		s.release()
		return false
	}
	if _, stream := s.conn.(*net.TCPConn); stream && s.n == 0 && s.err == nil {
		s.err = io.EOF
	}
	return true
}

// done gives the buffer back, unless waiting for more needs one.
func (s *source) done() {
	if s.raw != nil {
		s.release()
	}
}

func (s *source) borrow() {
	s.pool = s.lend()
	s.buf = s.pool.get()
}

// release gives the buffer back.
func (s *source) release() {
	if s.buf != nil {
		s.pool.put(s.buf)
		s.buf = nil
	}
}
