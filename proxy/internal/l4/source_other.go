//go:build !unix

package l4

import "net"

// source reads from a connection into a borrowed buffer.
type source struct {
	conn net.Conn
	pool *bufferPool
	buf  *[]byte
}

func newSource(c net.Conn, lend func() *bufferPool) (*source, error) {
	pool := lend()
	return &source{conn: c, pool: pool, buf: pool.get()}, nil
}

// next waits for bytes and returns them, in a buffer that is the source's and
// valid until done. The end of a stream is io.EOF, an empty datagram is nothing
// without an error.
func (s *source) next() ([]byte, error) {
	n, err := s.conn.Read(*s.buf)
	return (*s.buf)[:n], err
}

// done does nothing: waiting needs the buffer.
func (s *source) done() {}

// release gives the buffer back.
func (s *source) release() { s.pool.put(s.buf) }
