package netdriver

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
)

const (
	readSize = 16 << 10
	// flushTime is how long a closed connection may take to send its rest.
	flushTime = 10 * time.Second
)

// conn is a client connection; it is the exchange.Driver of its core.
type conn struct {
	shard *shard
	nc    net.Conn
	core  exchange.Conn
	out   sender
	up    *backend
	// readable is signalled when the core may want input.
	readable sync.Cond
}

func newConn(sh *shard, nc net.Conn) *conn {
	c := &conn{shard: sh, nc: nc, out: sender{nc: nc}}
	c.readable.L = &sh.mu
	return c
}

// readClient reads from the client until its end.
func (c *conn) readClient() {
	buf := make([]byte, readSize)
	for {
		n := c.waitForWant(len(buf))
		if n == 0 {
			return
		}
		n, err := c.nc.Read(buf[:n])
		c.turn(&c.out, func() {
			if n > 0 {
				c.core.ClientData(buf[:n])
			}
			switch {
			case err == nil || c.core.Closed():
			case errors.Is(err, io.EOF):
				c.core.ClientEnded()
			default:
				c.core.ClientClosed()
			}
		})
		if err != nil {
			return
		}
	}
}

// waitForWant waits until the core wants input, and returns how much; zero
// means never again.
func (c *conn) waitForWant(most int) int {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	for !c.core.Closed() {
		// Reading ahead is how a client's leaving is noticed here.
		if n := max(c.core.ClientWant(most), min(c.core.ClientAhead(), most)); n > 0 {
			return n
		}
		c.readable.Wait()
	}
	return 0
}

// turn runs f as one turn of the Loop, and then writes what came of it. What
// goes to self, the connection that the caller reads from, is written by
// another goroutine.
func (c *conn) turn(self *sender, f func()) {
	c.shard.lock()
	f()
	work := c.settle()
	c.shard.unlock()
	for _, w := range work {
		if w.to == self {
			c.shard.server.running.Go(w.run)
		}
	}
	for _, w := range work {
		if w.to != self {
			w.run()
		}
	}
}

// settle follows up on a turn: it wakes readers, and returns the writes that
// are to be done, which nobody else will do.
func (c *conn) settle() (work []flushing) {
	c.readable.Signal()
	if c.core.Closed() {
		delete(c.shard.conns, c)
	}
	if !c.out.busy && !c.out.idle() {
		c.out.busy = true
		work = append(work, flushing{c, &c.out, nil})
	}
	if b := c.up; b != nil {
		b.readable.Signal()
		if !b.out.busy && !b.out.idle() {
			b.out.busy = true
			work = append(work, flushing{c, &b.out, b})
		}
	}
	return work
}

// WriteClient implements exchange.Driver.
func (c *conn) WriteClient(b []byte) bool {
	c.out.write(b)
	return c.out.broken
}

// ShutdownClient implements exchange.Driver.
func (c *conn) ShutdownClient() { c.out.shut = true }

// CloseClient implements exchange.Driver.
func (c *conn) CloseClient() {
	c.out.end = true
	// Nobody looks after it any more, should the client not read.
	_ = c.nc.SetWriteDeadline(time.Now().Add(flushTime))
}

// AbortClient implements exchange.Driver.
func (c *conn) AbortClient() {
	c.out.broken = true
	c.out.pending, c.out.shut, c.out.end = nil, false, false
	reset(c.nc)
}

// Take implements exchange.Driver.
func (c *conn) Take(e *balance.Endpoint, r exchange.Reuse) exchange.Taken {
	if r != exchange.ReuseNone {
		// A pooled connection is being read from all the time: it leaves the
		// pool when it ends, which is as good as asking the kernel.
		if b := c.shard.takeIdle(e); b != nil {
			c.up, b.owner = b, c
			return exchange.Reused
		}
	}
	c.dial(e)
	return exchange.Dialing
}

// WriteUpstream implements exchange.Driver.
func (c *conn) WriteUpstream(b []byte) bool {
	c.up.out.write(b)
	return c.up.out.broken
}

// ShutdownUpstream implements exchange.Driver.
func (c *conn) ShutdownUpstream() { c.up.out.shut = true }

// ReleaseUpstream implements exchange.Driver.
func (c *conn) ReleaseUpstream() {
	b := c.up
	c.up, b.owner = nil, nil
	// A write that is not reported yet is no hindrance: the backend has
	// answered what it carried.
	if b.ended || b.out.broken || len(b.out.pending) > 0 || b.endpoint.Gone() || c.shard.closed {
		b.close()
		return
	}
	b.idleSince = c.shard.loop.Now()
	c.shard.idle[b.endpoint] = append(c.shard.idle[b.endpoint], b)
	b.readable.Signal()
}

// CloseUpstream implements exchange.Driver.
func (c *conn) CloseUpstream() {
	b := c.up
	c.up, b.owner = nil, nil
	b.close()
}
