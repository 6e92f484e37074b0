//go:build linux

package epoll

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/custody"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// Options of an Engine.
type Options struct {
	// Loops are the states of the loops to run, at least one. The Engine has
	// them for itself.
	Loops []*exchange.Loop
	// Epoch is instant zero of the Loops.
	Epoch time.Time
	// Bind is the address of listening sockets; the zero Addr means all.
	Bind netip.Addr
	// Gate lets connections in; nil makes one of the default limits.
	Gate *overload.Gate
	// Sockets, where they are not nil, outlive the process.
	Sockets custody.Sockets
}

// Engine runs loops. Its methods are safe for concurrent use; after Close only
// Close may be called.
type Engine struct {
	opts    Options
	loops   []*loop
	running sync.WaitGroup
	closing sync.Once
}

// New starts an Engine. Close ends it.
func New(o Options) (*Engine, error) {
	if o.Gate == nil {
		o.Gate = overload.NewGate(overload.Limits{})
	}
	e := &Engine{opts: o}
	for _, state := range o.Loops {
		l, err := newLoop(state, o)
		if err != nil {
			e.Close()
			return nil, err
		}
		e.loops = append(e.loops, l)
		e.running.Go(l.run)
	}
	return e, nil
}

// Open begins to accept connections on a port.
func (e *Engine) Open(port uint16) error {
	fds, err := e.sockets(port)
	if err != nil {
		return err
	}
	for i, fd := range fds {
		l := e.loops[i%len(e.loops)]
		l.do(func() { err = l.addListener(fd, port) })
		if err != nil {
			custody.CloseAll(fds[i:])
			e.Shut(port)
			return fmt.Errorf("register listener: %w", err)
		}
	}
	return nil
}

// sockets are those that a process before has left, or new ones.
func (e *Engine) sockets(port uint16) ([]int, error) {
	store := e.opts.Sockets
	if store == nil {
		return listen(e.opts.Bind, port, len(e.loops))
	}
	fds := store.Take(port)
	if len(fds) >= len(e.loops) {
		return fds, nil
	}
	// There are more loops than before. Sockets cannot join others that do not share
	// their port.
	custody.CloseAll(fds)
	store.Drop(port)
	fds, err := listen(e.opts.Bind, port, len(e.loops))
	if err == nil {
		store.Keep(port, fds)
	}
	return fds, err
}

// Shut stops accepting connections on a port. Those that wait to be accepted
// still are.
func (e *Engine) Shut(port uint16) {
	for _, l := range e.loops {
		l.do(func() { l.removeListener(port) })
	}
	if e.opts.Sockets != nil {
		e.opts.Sockets.Drop(port)
	}
}

// Queues returns the loops' queues of events.
func (e *Engine) Queues() []overload.Queue {
	var all []overload.Queue
	for _, l := range e.loops {
		all = append(all, l.queue)
	}
	return all
}

// Passed returns how many bytes of bodies went from socket to socket without a
// copy.
func (e *Engine) Passed() uint64 {
	var sum uint64
	for _, l := range e.loops {
		sum += l.passed.Load()
	}
	return sum
}

// CloseIdle closes the connections on which no request is in progress.
func (e *Engine) CloseIdle() {
	for _, l := range e.loops {
		l.do(l.closeIdle)
	}
}

// Close closes all listeners, breaks off all connections and returns when the
// loops have ended.
func (e *Engine) Close() {
	e.closing.Do(func() {
		for _, l := range e.loops {
			l.post(func() { l.stopping = true })
		}
	})
	e.running.Wait()
}
