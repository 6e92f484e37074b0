package netdriver

import (
	"context"
	"crypto/tls"
	"net"
	"sync"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/keepalive"
)

// Dial implements exchange.Dialer.
func (sh *shard) Dial(e *balance.Endpoint, config *tls.Config, header []byte, b exchange.Backend) exchange.Transport {
	gate := sh.server.opts.Gate
	if !gate.Borrow() {
		return nil
	}
	ctx, cancel := context.WithCancel(sh.server.ctx)
	c := newConn(sh, nil)
	c.peer, c.cancel, c.giveBack = b, cancel, sync.OnceFunc(gate.Return)
	sh.conns[c] = struct{}{}
	sh.server.running.Go(func() {
		defer c.giveBack()
		defer cancel()
		nc, err := dial(ctx, e, config, header)
		if c.dialed(b, nc, err) {
			c.read()
		}
	})
	return c
}

// dialed tells the peer how dialing has ended, and reports whether there is a
// connection to be read.
func (c *conn) dialed(b exchange.Backend, nc net.Conn, err error) bool {
	c.shard.lock()
	defer c.shard.unlock()
	switch {
	case c.done && err == nil:
		nc.Close()
	case c.done:
	case err != nil:
		c.ended = true
		b.Ended(err)
	default:
		c.nc = nc
		b.Connected()
		return true
	}
	return false
}

// dial connects, sends the header, and goes on by TLS if config is not nil.
func dial(ctx context.Context, e *balance.Endpoint, config *tls.Config, header []byte) (net.Conn, error) {
	d := keepalive.Dialer()
	nc, err := d.DialContext(ctx, "tcp", e.Addr.String())
	if err != nil {
		return nil, err
	}
	if len(header) > 0 {
		// The buffer of a new connection takes more than that.
		if _, err := nc.Write(header); err != nil {
			nc.Close()
			return nil, err
		}
	}
	if config == nil {
		return nc, nil
	}
	tc := tls.Client(nc, config)
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return tc, nil
}
