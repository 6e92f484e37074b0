//go:build !unix

package l4

import "net"

// sink sends datagrams.
type sink struct{ conn *net.UDPConn }

func newSink(c *net.UDPConn) (*sink, error) { return &sink{c}, nil }

func (s *sink) send(b []byte) error {
	_, err := s.conn.Write(b)
	return err
}

// isUnreachable says whether an error means that nobody takes datagrams at the
// other end; a socket has no other errors that last.
func isUnreachable(error) bool { return true }
