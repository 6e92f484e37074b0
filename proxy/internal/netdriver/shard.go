package netdriver

import (
	"net"
	"sync"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
)

// shard is connections that share a Loop. All below mu is guarded by it, the
// state of its conns too.
type shard struct {
	server *Server
	poke   chan struct{}

	mu    sync.Mutex
	loop  *exchange.Loop
	conns map[*conn]struct{}
	// touched are the connections that the present turn has something to do
	// with.
	touched []*conn
	closed  bool
	// armed is the instant for which the sweeper has set its alarm.
	armed int64
}

func newShard(s *Server, l *exchange.Loop) *shard {
	sh := &shard{server: s, loop: l, poke: make(chan struct{}, 1), conns: map[*conn]struct{}{}}
	l.SetDialer(sh)
	return sh
}

func (sh *shard) now() int64 { return int64(time.Since(sh.server.opts.Epoch)) }

// lock begins a turn of the Loop.
func (sh *shard) lock() {
	sh.mu.Lock()
	sh.loop.SetNow(sh.now())
}

// unlock ends a turn: it wakes the readers and starts the writers that are
// needed, and has the sweeper wake up earlier if need be.
func (sh *shard) unlock() {
	sh.loop.Flush()
	for i, c := range sh.touched {
		sh.touched[i] = nil
		c.touched = false
		c.readable.Signal()
		if !c.busy && !c.idle() && c.nc != nil {
			c.busy = true
			sh.server.running.Go(c.write)
		}
	}
	sh.touched = sh.touched[:0]
	if sh.loop.Wake() < sh.armed {
		select {
		case sh.poke <- struct{}{}:
		default:
		}
	}
	sh.mu.Unlock()
}

// add makes nc one of the shard's connections, unless the shard is closed.
func (sh *shard) add(nc net.Conn, o exchange.Origin) *conn {
	sh.lock()
	defer sh.unlock()
	if sh.closed {
		return nil
	}
	c := newConn(sh, nc)
	sh.conns[c] = struct{}{}
	c.peer = sh.loop.Accept(c, o)
	return c
}

// queue runs f in a turn of its own, at once if it is nobody's turn.
func (sh *shard) queue(f func()) {
	if sh.mu.TryLock() {
		defer sh.mu.Unlock()
		f()
		return
	}
	go func() {
		sh.mu.Lock()
		defer sh.mu.Unlock()
		f()
	}()
}

// each runs f for every peer within one turn.
func (sh *shard) each(f func(exchange.Peer)) {
	sh.lock()
	defer sh.unlock()
	for c := range sh.conns {
		f(c.peer)
	}
}

func (sh *shard) close() {
	sh.mu.Lock()
	sh.closed = true
	sh.mu.Unlock()
	sh.each(exchange.Peer.Broken)
	sh.lock()
	defer sh.unlock()
	for c := range sh.conns {
		c.Drop()
	}
}

// sweep lets time pass for all connections until the Server stops.
func (sh *shard) sweep() {
	for {
		sh.mu.Lock()
		at := min(sh.now()+int64(exchange.SweepEvery), max(sh.loop.Wake(), sh.now()+int64(time.Millisecond)))
		sh.armed = at
		sh.mu.Unlock()
		t := time.NewTimer(time.Duration(at - sh.now()))
		select {
		case <-t.C:
			sh.tick()
		case <-sh.poke:
			t.Stop()
		case <-sh.server.ctx.Done():
			t.Stop()
			return
		}
	}
}

func (sh *shard) tick() {
	sh.lock()
	sh.loop.ClearWake()
	sh.loop.Sweep()
	sh.unlock()
	sh.each(exchange.Peer.Tick)
}
