package netdriver

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// backend is a connection to an endpoint, or one that is being dialed.
type backend struct {
	shard    *shard
	endpoint *balance.Endpoint
	nc       net.Conn
	out      sender
	// owner is the client connection that it serves; nil when it is idle.
	owner     *conn
	idleSince int64
	readable  sync.Cond
	cancel    context.CancelFunc
	// ended: nothing more will be read. closed: it is given up.
	ended, closed bool
}

// dial begins to connect to an endpoint for c.
func (c *conn) dial(e *balance.Endpoint) {
	ctx, cancel := context.WithCancel(c.shard.server.ctx)
	b := &backend{shard: c.shard, endpoint: e, owner: c, cancel: cancel}
	b.readable.L = &c.shard.mu
	c.up = b
	c.shard.server.running.Go(func() {
		defer cancel()
		b.run(ctx)
	})
}

// run dials, and then reads until the end.
func (b *backend) run(ctx context.Context) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", b.endpoint.Addr.String())
	b.shard.mu.Lock()
	if b.closed {
		b.shard.mu.Unlock()
		if err == nil {
			nc.Close()
		}
		return
	}
	b.nc, b.out.nc = nc, nc
	c := b.owner
	b.shard.mu.Unlock()
	c.turn(&b.out, func() {
		switch {
		case b.owner != c:
		case err != nil:
			c.core.UpstreamClosed(err)
		default:
			c.core.UpstreamConnected()
		}
	})
	if err == nil {
		b.read()
	}
}

// read reads until the backend's end, for whichever client connection the
// backend serves meanwhile.
func (b *backend) read() {
	buf := make([]byte, readSize)
	for b.waitForWant() {
		n, err := b.nc.Read(buf)
		if !b.deliver(buf[:n], err) {
			return
		}
	}
}

// waitForWant waits until input is wanted. An idle backend is read from as
// well, to see it end.
func (b *backend) waitForWant() bool {
	b.shard.mu.Lock()
	defer b.shard.mu.Unlock()
	for !b.closed {
		if b.owner == nil || b.owner.core.UpstreamWant() {
			return true
		}
		b.readable.Wait()
	}
	return false
}

// deliver hands over what was read, and reports whether to read on.
func (b *backend) deliver(data []byte, err error) bool {
	b.shard.mu.Lock()
	c := b.owner
	if c == nil {
		// What an idle backend sends is an answer to nothing.
		b.ended = true
		b.shard.removeIdle(b)
		b.close()
		b.shard.mu.Unlock()
		return false
	}
	b.shard.mu.Unlock()
	c.turn(&b.out, func() {
		if b.owner == c && len(data) > 0 {
			c.core.UpstreamData(data)
		}
		if err == nil {
			return
		}
		b.ended = true
		switch b.owner {
		case c:
			c.core.UpstreamClosed(disorder(err))
		case nil:
			b.shard.removeIdle(b)
			b.close()
		}
	})
	return err == nil
}

func disorder(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// close gives the backend up.
func (b *backend) close() {
	if b.closed {
		return
	}
	b.closed, b.out.broken = true, true
	b.out.pending, b.out.shut, b.out.end = nil, false, false
	b.cancel()
	if b.nc != nil {
		b.nc.Close()
	}
	b.readable.Signal()
}
