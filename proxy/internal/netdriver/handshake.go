package netdriver

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// handshake returns the connection after its handshake, or nil if there was
// none in time; the connection is closed then.
func (s *Server) handshake(nc net.Conn, config *tls.Config) *tls.Conn {
	place := s.shaking.Enter(nc)
	if place == nil {
		nc.Close()
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.Handshake)
	defer cancel()
	greeting := NewGreeting(s.opts.Gate, time.Now(), s.opts.Handshake)
	tc, err := Shake(nc, greeting, config, func(tc *tls.Conn) error { return tc.HandshakeContext(ctx) })
	if !s.shaking.Leave(place) || err != nil {
		nc.Close()
		return nil
	}
	return tc
}
