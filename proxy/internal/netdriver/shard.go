package netdriver

import (
	"net/netip"
	"sync"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
)

// shard is connections that share a Loop, and the idle backend connections
// among them. All below mu is guarded by it, the state of its conns and
// backends too.
type shard struct {
	server *Server
	poke   chan struct{}

	mu     sync.Mutex
	loop   *exchange.Loop
	conns  map[*conn]struct{}
	idle   map[*balance.Endpoint][]*backend
	closed bool
	// armed is the instant for which the sweeper has set its alarm.
	armed int64
}

func newShard(s *Server, l *exchange.Loop) *shard {
	return &shard{
		server: s, loop: l, poke: make(chan struct{}, 1),
		conns: map[*conn]struct{}{}, idle: map[*balance.Endpoint][]*backend{},
	}
}

func (sh *shard) now() int64 { return int64(time.Since(sh.server.opts.Epoch)) }

// lock begins a turn of the Loop.
func (sh *shard) lock() {
	sh.mu.Lock()
	sh.loop.SetNow(sh.now())
}

// unlock ends a turn, and has the sweeper wake up earlier if need be.
func (sh *shard) unlock() {
	if sh.loop.Wake() < sh.armed {
		select {
		case sh.poke <- struct{}{}:
		default:
		}
	}
	sh.mu.Unlock()
}

func (sh *shard) add(c *conn, client netip.AddrPort, port uint16, s exchange.Security) bool {
	sh.lock()
	defer sh.unlock()
	if sh.closed {
		return false
	}
	sh.conns[c] = struct{}{}
	c.core.Init(sh.loop, c, client, port, s)
	return true
}

// each runs f for every connection within one turn.
func (sh *shard) each(f func(*conn)) {
	sh.lock()
	var work []flushing
	for c := range sh.conns {
		f(c)
		work = append(work, c.settle()...)
	}
	sh.unlock()
	for _, w := range work {
		sh.server.running.Go(w.run)
	}
}

func (sh *shard) close() {
	sh.mu.Lock()
	sh.closed = true
	sh.mu.Unlock()
	sh.each(func(c *conn) { c.core.ClientClosed() })
	sh.lock()
	defer sh.unlock()
	sh.dropIdle(func(*backend) bool { return true })
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
	sh.unlock()
	sh.each(func(c *conn) { c.core.Tick() })
	sh.lock()
	defer sh.unlock()
	oldest := sh.now() - int64(sh.server.opts.PoolIdle)
	sh.dropIdle(func(b *backend) bool { return b.idleSince < oldest || b.endpoint.Gone() })
}

// dropIdle closes the idle backend connections that f picks.
func (sh *shard) dropIdle(f func(*backend) bool) {
	for e, list := range sh.idle {
		kept := list[:0]
		for _, b := range list {
			if f(b) {
				b.close()
			} else {
				kept = append(kept, b)
			}
		}
		clear(list[len(kept):])
		if sh.idle[e] = kept; len(kept) == 0 {
			delete(sh.idle, e)
		}
	}
}

// takeIdle returns the idle connection to e that was used last, or nil.
func (sh *shard) takeIdle(e *balance.Endpoint) *backend {
	list := sh.idle[e]
	if len(list) == 0 {
		return nil
	}
	b := list[len(list)-1]
	list[len(list)-1] = nil
	if sh.idle[e] = list[:len(list)-1]; len(list) == 1 {
		delete(sh.idle, e)
	}
	return b
}

// removeIdle takes a backend that has ended out of the pool.
func (sh *shard) removeIdle(b *backend) {
	sh.dropIdle(func(o *backend) bool { return o == b })
}
