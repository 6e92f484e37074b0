package netdriver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/keepalive"
	"github.com/fleetgate/fleetgate/proxy/internal/sockinfo"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

const (
	readSize = 16 << 10
	// flushTime is how long a closed connection may take to send its rest.
	flushTime = 10 * time.Second
)

// conn is a connection; it is the exchange.Transport of its peer. It is guarded
// by the shard's mutex, but for reads, which belong to its reader, and writes,
// which belong to who has set busy.
type conn struct {
	shard *shard
	// nc is nil while it is being dialed, which cancel gives up.
	nc     net.Conn
	cancel context.CancelFunc
	peer   exchange.Peer
	// giveBack counts a backend's connection out of the gate; nil for a client's.
	giveBack func()
	// readable is signalled when the peer may want input.
	readable sync.Cond

	// ended: there is no more input. broken: nothing can be sent any more. done:
	// the peer has closed the connection.
	ended, broken, done bool
	// touched: it is in shard.touched.
	touched bool

	pending, sending []byte
	// shut and end are what follows what is pending: the end of the sending
	// side, or of the connection.
	shut, end bool
	busy      bool
}

func newConn(sh *shard, nc net.Conn) *conn {
	c := &conn{shard: sh, nc: nc}
	c.readable.L = &sh.mu
	return c
}

// read reads until the end.
func (c *conn) read() {
	buf := make([]byte, readSize)
	for {
		n := c.waitForWant(len(buf))
		if n == 0 {
			return
		}
		n, err := c.nc.Read(buf[:n])
		c.shard.lock()
		c.deliver(buf[:n], err)
		c.shard.unlock()
		if err != nil {
			return
		}
	}
}

// waitForWant waits until the peer wants input, and returns how much; zero
// means never again.
func (c *conn) waitForWant(most int) int {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	for !c.done {
		// Reading ahead is how a client's leaving is noticed here.
		if n := max(c.peer.Want(most), min(c.peer.Ahead(), most)); n > 0 {
			return n
		}
		c.readable.Wait()
	}
	return 0
}

func (c *conn) deliver(b []byte, err error) {
	if len(b) > 0 && !c.done {
		c.shard.loop.Grow(len(b))
		c.peer.Data(b)
	}
	if err != nil && !c.done {
		c.ended = true
		if errors.Is(err, io.EOF) {
			err = nil
		}
		c.peer.Ended(err)
	}
}

// touch has the end of the turn look after the connection.
func (c *conn) touch() {
	if !c.touched {
		c.touched = true
		c.shard.touched = append(c.shard.touched, c)
	}
}

// Write implements exchange.Transport.
func (c *conn) Write(b []byte) bool {
	if c.broken || c.done {
		return true
	}
	larger, _ := c.shard.loop.Enlarge(c.pending, len(b))
	c.pending = append(larger, b...)
	c.touch()
	return false
}

// Resume implements exchange.Transport.
func (c *conn) Resume() { c.touch() }

// Shutdown implements exchange.Transport.
func (c *conn) Shutdown() {
	c.shut = true
	c.touch()
}

// Close implements exchange.Transport.
func (c *conn) Close() {
	c.finish()
	c.end = true
	// Nobody looks after it any more, should the other side not read.
	_ = c.nc.SetWriteDeadline(time.Now().Add(flushTime))
	c.returned()
}

// Drop implements exchange.Transport.
func (c *conn) Drop() {
	c.discard()
	if c.nc != nil {
		tcp(c.nc).Close()
		c.returned()
	}
}

// Abort implements exchange.Transport.
func (c *conn) Abort() {
	c.discard()
	if c.nc != nil {
		reset(c.nc)
		c.returned()
	}
}

// returned makes room for another connection to a backend, without waiting for
// the reader of this one.
func (c *conn) returned() {
	if c.giveBack != nil {
		c.giveBack()
	}
}

// Silent implements exchange.Transport. A connection is being read from all
// the time that it is idle, which is as good as asking the kernel.
func (c *conn) Silent(exchange.Look) bool {
	// A write that is not reported yet is no hindrance: the backend has
	// answered what it carried.
	return !c.ended && !c.broken && !c.done && len(c.pending) == 0 && !c.shard.closed
}

// Local implements exchange.Transport.
func (c *conn) Local() netip.AddrPort {
	if c.nc == nil {
		return netip.AddrPort{}
	}
	a, ok := c.nc.LocalAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.AddrPort().Addr().Unmap(), a.AddrPort().Port())
}

// Patient implements exchange.Patient.
func (c *conn) Patient() {
	if c.nc != nil {
		_ = keepalive.LiftFrom(c.nc)
	}
}

// Measure implements exchange.Measured.
func (c *conn) Measure() traffic.Socket {
	if c.nc == nil {
		return traffic.Socket{}
	}
	return sockinfo.ReadFrom(c.nc)
}

// Become implements exchange.Transport.
func (c *conn) Become(p exchange.Peer) { c.peer = p }

// discard gives up the connection and what is unsent.
func (c *conn) discard() {
	c.finish()
	c.broken = true
	c.pending, c.shut, c.end = nil, false, false
}

// finish has the peer told of nothing any more.
func (c *conn) finish() {
	c.done = true
	delete(c.shard.conns, c)
	if c.cancel != nil {
		c.cancel()
	}
	c.touch()
}
