package l4

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// Options of a Server. Snapshot is needed; for the others zero means the
// default.
type Options struct {
	// Snapshot is what sessions choose their endpoints by.
	Snapshot *atomic.Pointer[snapshot.Snapshot]
	// Observer is told of each connection and session that has ended. It may be
	// nil. Its calls never overlap.
	Observer traffic.Observer
	// Now is the monotonic clock in nanoseconds by which endpoints are ejected
	// and sessions expire. The default counts from Epoch.
	Now   func() int64
	Epoch time.Time
	// Connect bounds one attempt to reach an endpoint where the configuration does
	// not; the default is 5 seconds.
	Connect time.Duration
	// Idle is how long a connection may be silent in both directions, or be
	// unable to deliver in one; the default is an hour. It is for listeners that
	// have no limit of their own, as are the next three.
	Idle time.Duration
	// SessionIdle is how long a UDP session without a datagram lasts; the
	// default is 60 seconds.
	SessionIdle time.Duration
	// MaxConnections bounds the connections of one listener, by default to those
	// that the Gate has for one port; MaxSessions the sessions of one UDP port, by
	// default to 10,000.
	MaxConnections, MaxSessions int
	// Gate has descriptors for connections to endpoints and for sessions; nil
	// makes one of the default limits.
	Gate *overload.Gate
}

// Server forwards connections and datagrams. It is safe for concurrent use.
type Server struct {
	opts    Options
	reports reporter
	// ctx ends with the Server: nothing that it started outlives it.
	ctx    context.Context
	cancel context.CancelFunc

	mu sync.Mutex
	// open counts the connections of each listener.
	open map[listenerKey]int
	// tunnels are those that are looked after; pressing says that somebody does.
	tunnels  map[*tunnel]struct{}
	pressing bool

	connections, sessions atomic.Int64
	refused, dropped      atomic.Uint64
	// unseen is how much may come to be kept before the next glance, spliced how
	// many directions the kernel moves.
	unseen, spliced atomic.Int64
}

// listenerKey tells listeners apart, whatever their limits are.
type listenerKey struct {
	name string
	port uint16
}

func keyOf(l *snapshot.Listener) listenerKey { return listenerKey{l.Name, l.Port} }

// New returns a Server. Close ends it.
func New(o Options) *Server {
	if o.Epoch.IsZero() {
		o.Epoch = time.Now()
	}
	if o.Now == nil {
		o.Now = func() int64 { return int64(time.Since(o.Epoch)) }
	}
	orElse(&o.Connect, 5*time.Second)
	orElse(&o.Idle, time.Hour)
	orElse(&o.SessionIdle, time.Minute)
	orElse(&o.MaxSessions, 10000)
	if o.Gate == nil {
		o.Gate = overload.NewGate(overload.Limits{})
	}
	s := &Server{opts: o, open: map[listenerKey]int{}, tunnels: map[*tunnel]struct{}{}}
	s.reports.observer = o.Observer
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

func orElse[T comparable](v *T, fallback T) {
	var zero T
	if *v == zero {
		*v = fallback
	}
}

// Stats are the figures of a Server.
type Stats struct {
	// Connections and Sessions are those that are open.
	Connections, Sessions int64
	// Refused counts connections that were closed at once, for there was no
	// rule, no endpoint, or no room for them; Dropped the datagrams that were
	// not forwarded.
	Refused, Dropped uint64
}

// Stats returns the figures.
func (s *Server) Stats() Stats {
	return Stats{
		Connections: s.connections.Load(), Sessions: s.sessions.Load(),
		Refused: s.refused.Load(), Dropped: s.dropped.Load(),
	}
}

// Close breaks off all connections, so that each call of Serve returns, and
// those to come do at once. UDP ports are closed one by one: see UDPPort.Close.
func (s *Server) Close() { s.cancel() }

// admit counts a connection in, unless its listener has as many as it may.
func (s *Server) admit(l *snapshot.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[keyOf(l)] >= cmp.Or(l.MaxSessions, s.opts.MaxConnections, s.opts.Gate.Limits().PerListener) {
		return false
	}
	s.open[keyOf(l)]++
	s.connections.Add(1)
	return true
}

func (s *Server) leave(l *snapshot.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := keyOf(l)
	if s.open[key]--; s.open[key] == 0 {
		delete(s.open, key)
	}
	s.connections.Add(-1)
}
