package netdriver

import (
	"context"
	"crypto/tls"
	"net"
)

// handshake returns the connection after its handshake, or nil if there was
// none in time; the connection is closed then.
func (s *Server) handshake(nc net.Conn, config *tls.Config) *tls.Conn {
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.Handshake)
	defer cancel()
	tc := tls.Server(nc, config)
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil
	}
	return tc
}
