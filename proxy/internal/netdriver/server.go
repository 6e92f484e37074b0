package netdriver

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// Options of a Server.
type Options struct {
	// Loops are the shards' states, at least one. A Server has them for itself.
	Loops []*exchange.Loop
	// Epoch is instant zero of the Loops.
	Epoch time.Time
	// Handshake bounds a TLS handshake; zero means 10 seconds.
	Handshake time.Duration
	// Gate lets connections in; nil makes one of the default limits.
	Gate *overload.Gate
}

// Server serves clients on any number of listeners. It is safe for concurrent
// use.
type Server struct {
	opts    Options
	shards  []*shard
	shaking *overload.Room
	next    atomic.Uint32
	running sync.WaitGroup
	// ctx ends with the Server: nothing that it started outlives it.
	ctx    context.Context
	cancel context.CancelFunc
}

// New starts a Server. Close ends it.
func New(o Options) *Server {
	if o.Handshake == 0 {
		o.Handshake = 10 * time.Second
	}
	if o.Gate == nil {
		o.Gate = overload.NewGate(overload.Limits{})
	}
	s := &Server{opts: o, shaking: overload.NewRoom(o.Gate, o.Gate.Limits().Handshakes)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, l := range o.Loops {
		sh := newShard(s, l)
		s.shards = append(s.shards, sh)
		s.running.Go(sh.sweep)
	}
	return s
}

// Serve accepts connections on ln until it is closed. For each of them config
// says whether the client speaks TLS, and how.
func (s *Server) Serve(ln net.Listener, port uint16, config func() (*tls.Config, bool)) {
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		if err == nil {
			pause = 0
			if nc = s.enter(nc, port); nc != nil {
				s.running.Go(func() { s.serve(nc, port, config) })
			}
			continue
		}
		if !isTemporary(err) {
			return
		}
		// Out of descriptors, most likely: let others end.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return
		}
	}
}

// ServeConn starts to serve a connection that the caller let in and returns; the
// connection is the Server's to close. Its RemoteAddr is a *net.TCPAddr. No
// call may begin after one of Close.
func (s *Server) ServeConn(nc net.Conn, port uint16, config func() (*tls.Config, bool)) {
	s.running.Go(func() { s.serve(nc, port, config) })
}

// enter lets a connection in, and returns it as one that is counted out by its
// Close; nil if it was refused.
func (s *Server) enter(nc net.Conn, port uint16) net.Conn {
	t := s.opts.Gate.Door(port).Ticket()
	if t == nil {
		reset(nc)
		return nil
	}
	return &counted{nc, t}
}

func isTemporary(err error) bool {
	// There is no other way to tell EMFILE and its like from a closed
	// listener on every system.
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// serve runs one connection to its end.
func (s *Server) serve(nc net.Conn, port uint16, config func() (*tls.Config, bool)) {
	o := exchange.Origin{Client: nc.RemoteAddr().(*net.TCPAddr).AddrPort(), Port: port}
	sh := s.shards[int(s.next.Add(1))%len(s.shards)]
	if cfg, ok := config(); ok {
		tc := s.handshake(nc, cfg, port, sh)
		if tc == nil {
			return
		}
		nc, o.TLS = tc, true
		state := tc.ConnectionState()
		o.HTTP2, o.ServerName = state.NegotiatedProtocol == "h2", state.ServerName
	}
	if c := sh.add(nc, o); c != nil {
		c.read()
		return
	}
	nc.Close()
}

// Queues returns the shards' queues.
func (s *Server) Queues() []overload.Queue {
	var all []overload.Queue
	for _, sh := range s.shards {
		all = append(all, sh.queue)
	}
	return all
}

// CloseIdle closes the connections on which no request is in progress.
func (s *Server) CloseIdle() {
	for _, sh := range s.shards {
		sh.each(exchange.Peer.CloseIdle)
	}
}

// Close breaks off what is in progress, and returns when nothing is left. The
// listeners must be closed before.
func (s *Server) Close() {
	s.cancel()
	s.shaking.Close()
	for _, sh := range s.shards {
		sh.close()
	}
	s.running.Wait()
}
