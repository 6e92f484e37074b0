//go:build unix

package l4

import (
	"errors"
	"net"
	"syscall"
)

// sink sends datagrams. One that the socket has no room for is lost, as a
// network loses them: waiting would hold up the other sessions.
type sink struct {
	raw   syscall.RawConn
	write func(fd uintptr) bool
	b     []byte
	err   error
}

func newSink(c *net.UDPConn) (*sink, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &sink{raw: raw}
	s.write = s.try
	return s, nil
}

func (s *sink) send(b []byte) error {
	s.b = b
	err := s.raw.Write(s.write)
	s.b = nil
	if err != nil {
		return err
	}
	return s.err
}

func (s *sink) try(fd uintptr) bool {
	for {
		if _, s.err = syscall.Write(int(fd), s.b); !errors.Is(s.err, syscall.EINTR) {
			return true
		}
	}
}

// isUnreachable says whether an error means that nobody takes datagrams at the
// other end, as an ICMP message told.
func isUnreachable(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) ||
		errors.Is(err, syscall.ENETUNREACH)
}
