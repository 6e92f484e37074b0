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
)

// Options of a Server.
type Options struct {
	// Loops are the shards' states, at least one. A Server has them for itself.
	Loops []*exchange.Loop
	// Epoch is instant zero of the Loops.
	Epoch time.Time
	// Handshake bounds a TLS handshake; zero means 10 seconds.
	Handshake time.Duration
}

// Server serves clients on any number of listeners. It is safe for concurrent
// use.
type Server struct {
	opts    Options
	shards  []*shard
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
	s := &Server{opts: o}
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
			s.running.Go(func() { s.serve(nc, port, config) })
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

// ServeConn starts to serve a connection that the caller accepted and returns;
// the connection is the Server's to close. Its RemoteAddr is a *net.TCPAddr. No
// call may begin after one of Close.
func (s *Server) ServeConn(nc net.Conn, port uint16, config func() (*tls.Config, bool)) {
	s.running.Go(func() { s.serve(nc, port, config) })
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
	if cfg, ok := config(); ok {
		tc := s.handshake(nc, cfg)
		if tc == nil {
			return
		}
		nc, o.TLS = tc, true
		state := tc.ConnectionState()
		o.HTTP2, o.ServerName = state.NegotiatedProtocol == "h2", state.ServerName
	}
	sh := s.shards[int(s.next.Add(1))%len(s.shards)]
	if c := sh.add(nc, o); c != nil {
		c.read()
		return
	}
	nc.Close()
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
	for _, sh := range s.shards {
		sh.close()
	}
	s.running.Wait()
}
