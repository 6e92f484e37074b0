package netdriver

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// handshake returns the connection after its handshake, or nil if there was
// none in time; the connection is closed then. The shard tells of it.
func (s *Server) handshake(nc net.Conn, config *tls.Config, port uint16, sh *shard) *tls.Conn {
	place := s.shaking.Enter(nc)
	if place == nil {
		nc.Close()
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.Handshake)
	defer cancel()
	start, name := time.Now(), ""
	greeting := NewGreeting(s.opts.Gate, start, s.opts.Handshake)
	tc, err := Shake(nc, greeting, config, func(tc *tls.Conn) error {
		err := tc.HandshakeContext(ctx)
		name = tc.ConnectionState().ServerName
		return err
	})
	// Who has said nothing may have looked only whether the port is open.
	if greeting.heard > 0 && s.ctx.Err() == nil {
		sh.lock()
		sh.loop.Shaken(port, name, err, time.Since(start))
		sh.unlock()
	}
	if !s.shaking.Leave(place) || err != nil {
		nc.Close()
		return nil
	}
	return tc
}
