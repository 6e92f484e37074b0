package netdriver

import (
	"context"
	"net"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
)

// Dial implements exchange.Dialer.
func (sh *shard) Dial(e *balance.Endpoint, b exchange.Backend) exchange.Transport {
	ctx, cancel := context.WithCancel(sh.server.ctx)
	c := newConn(sh, nil)
	c.peer, c.cancel = b, cancel
	sh.conns[c] = struct{}{}
	sh.server.running.Go(func() {
		defer cancel()
		var d net.Dialer
		nc, err := d.DialContext(ctx, "tcp", e.Addr.String())
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
