package l4

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// tunnel is two connections whose bytes are exchanged.
type tunnel struct {
	server *Server
	up     pump // from the client to the endpoint
	down   pump
	// own is how many of the bytes that went up are not the client's.
	own int
	// idleTime is how long both may be silent.
	idleTime time.Duration
	// active is when a byte was last read, on the Server's clock.
	active atomic.Int64

	// over: both connections were closed.
	over atomic.Bool
	// how is why the tunnel ended, if not in order.
	how atomic.Uint32
}

// errIdle says that nothing was read from either side for too long.
var errIdle = errors.New("idle for too long")

func newTunnel(s *Server, client, endpoint Conn, idle time.Duration) *tunnel {
	t := &tunnel{server: s, idleTime: idle}
	t.active.Store(s.opts.Now())
	t.up = pump{tunnel: t, from: client, to: endpoint, broken: probe.FlagClientCancel}
	t.down = pump{tunnel: t, from: endpoint, to: client, broken: probe.FlagUpstreamReset}
	return t
}

// run exchanges bytes until both directions have ended, beginning with head
// for the endpoint, of which the first own bytes are the proxy's.
func (t *tunnel) run(head []byte, own int) {
	t.own = own
	t.server.enlist(t)
	defer t.server.dismiss(t)
	var both sync.WaitGroup
	both.Go(func() { t.up.run(head) })
	t.down.run(nil)
	both.Wait()
	t.up.from.Close()
	t.down.from.Close()
}

// end closes both connections because of an error, by a reset if that is how
// one of them ended: what one side is told, the other is told too.
func (t *tunnel) end(err error, broken probe.Flags) {
	closing := reset
	switch {
	case t.server.ctx.Err() != nil:
		closing = Conn.Close
	case errors.Is(err, errStuck):
		t.note(probe.FlagTimeout)
	case errors.Is(err, errIdle), errors.Is(err, os.ErrDeadlineExceeded):
		t.note(probe.FlagTimeout)
		closing = Conn.Close
	default:
		t.note(broken)
		// TLS that ends without saying so, as many clients do.
		if errors.Is(err, io.ErrUnexpectedEOF) {
			closing = Conn.Close
		}
	}
	t.over.Store(true)
	_ = closing(t.up.from)
	_ = closing(t.down.from)
}

// note keeps the first reason for an end.
func (t *tunnel) note(f probe.Flags) { t.how.CompareAndSwap(0, uint32(f)) }

// flags says how the tunnel ended. It is called after run.
func (t *tunnel) flags() probe.Flags { return probe.Flags(t.how.Load()) }

// outcome is how the endpoint did. It is to blame for having broken off before
// it said anything, and for nothing that came later: balance knows of no answers
// in part. It is called after run.
func (t *tunnel) outcome() balance.Outcome {
	switch {
	case t.down.bytes > 0:
		return balance.Answered
	case t.flags() == probe.FlagUpstreamReset:
		return balance.Broken
	}
	return balance.Abandoned
}

// sent returns how many bytes of the client went to the endpoint.
func (t *tunnel) sent() uint64 { return t.up.bytes - min(t.up.bytes, uint64(t.own)) }

// idle says whether nothing was read from either side for as long as may be.
func (t *tunnel) idle() bool {
	return t.server.opts.Now()-t.active.Load() >= int64(t.idleTime)
}

// reset closes a connection in a way that its other end is told of.
func reset(c Conn) error {
	var nc net.Conn = c
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	if l, ok := nc.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0)
	}
	return nc.Close()
}

// tick is how often a silent direction looks whether the other one is silent,
// too.
func (t *tunnel) tick() time.Duration { return max(t.idleTime/4, time.Millisecond) }
