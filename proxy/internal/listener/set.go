package listener

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// Driver chooses what drives plaintext ports. Those with TLS are always driven
// by goroutines.
type Driver uint8

// The drivers.
const (
	// Fastest is the epoll loops on Linux, and goroutines elsewhere.
	Fastest Driver = iota
	Goroutines
)

// Options of a Set.
type Options struct {
	// Loops is the number of epoll loops, and again of the shards that serve
	// what is driven by goroutines; zero means GOMAXPROCS.
	Loops int
	// Bind is the address of the sockets; the zero Addr means all addresses of
	// both families.
	Bind netip.Addr
	// Observers returns the observer of each loop; it is called with numbers
	// from zero to twice the number of loops. It may be nil, and may return nil.
	Observers func(loop int) traffic.Observer
	// Snapshot is what requests are served by. Whoever swaps it calls Apply.
	Snapshot *atomic.Pointer[snapshot.Snapshot]
	Log      logr.Logger
	Limits   exchange.Limits
	Driver   Driver
	// DrainGrace is how long idle connections are left open after Drain was
	// called, as clients send on them until they know better. Zero means 5
	// seconds.
	DrainGrace time.Duration
}

// Set is the open ports. It is safe for concurrent use.
type Set struct {
	opts     Options
	draining atomic.Bool
	loops    []*exchange.Loop
	plain    driver
	secure   driver

	mu     sync.Mutex
	ports  map[uint16]driver
	closed bool
}

// driver serves ports.
type driver interface {
	// open starts to accept connections on a port, shut stops it; connections
	// go on.
	open(port uint16) error
	shut(port uint16)
	// closeIdle closes connections that have no request in progress.
	closeIdle()
	// close breaks off all connections and waits for their end.
	close()
}

// PortError is why a port could not be opened.
type PortError struct {
	Port uint16
	Err  error
}

// Error implements error.
func (e PortError) Error() string { return fmt.Sprintf("opening port %d: %v", e.Port, e.Err) }

// Unwrap returns the cause.
func (e PortError) Unwrap() error { return e.Err }

// New returns a Set without ports. Close ends it.
func New(o Options) (*Set, error) {
	if o.Loops <= 0 {
		o.Loops = runtime.GOMAXPROCS(0)
	}
	if o.DrainGrace == 0 {
		o.DrainGrace = 5 * time.Second
	}
	s := &Set{opts: o, ports: map[uint16]driver{}}
	epoch := time.Now()
	for i := range 2 * o.Loops {
		s.loops = append(s.loops, exchange.NewLoop(s.loopOptions(i, epoch)))
	}
	s.secure = newGoroutines(s, s.loops[o.Loops:], epoch)
	s.plain = s.secure
	if o.Driver == Fastest {
		d, err := newFastest(s, s.loops[:o.Loops], epoch)
		if err != nil {
			s.secure.close()
			return nil, fmt.Errorf("starting loops: %w", err)
		}
		if d != nil {
			s.plain = d
		}
	}
	return s, nil
}

func (s *Set) loopOptions(i int, epoch time.Time) exchange.Options {
	o := exchange.Options{
		Snapshot: s.opts.Snapshot, Draining: &s.draining,
		Epoch: epoch, Seed: uint64(i), Limits: s.opts.Limits,
	}
	if s.opts.Observers != nil {
		o.Observer = s.opts.Observers(i)
	}
	return o
}

// Apply opens the ports that the snapshot has and closes those that it has
// not. It returns an error for each port that could not be opened; the others
// are served, and the next call tries again.
func (s *Set) Apply(snap *snapshot.Snapshot) []PortError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	wanted := make(map[uint16]driver, len(snap.Ports))
	for _, p := range snap.Ports {
		wanted[p.Number] = s.plain
	}
	for port, d := range s.ports {
		// A port that turns from plaintext to TLS changes hands.
		if s.plain == s.secure && wanted[port] != nil || wanted[port] == d {
			continue
		}
		d.shut(port)
		delete(s.ports, port)
		s.opts.Log.Info("Closed port", "port", port)
	}
	var errs []PortError
	for _, p := range snap.Ports {
		if s.ports[p.Number] != nil {
			continue
		}
		d := wanted[p.Number]
		if err := d.open(p.Number); err != nil {
			errs = append(errs, PortError{p.Number, err})
			continue
		}
		s.ports[p.Number] = d
		s.opts.Log.Info("Opened port", "port", p.Number)
	}
	return errs
}

// Stats are the figures of a Set.
type Stats struct {
	// Connections counts the open connections of clients, Requests those in
	// progress.
	Connections, Requests int64
}

// Stats returns the figures of each loop, in the numbering of
// Options.Observers.
func (s *Set) Stats() []Stats {
	out := make([]Stats, len(s.loops))
	for i, l := range s.loops {
		out[i] = Stats{Connections: l.Open.Load(), Requests: l.Active.Load()}
	}
	return out
}

func (s *Set) connections() (n int64) {
	for _, l := range s.loops {
		n += l.Open.Load()
	}
	return n
}

// drainPoll is how often draining looks whether connections are left.
const drainPoll = 50 * time.Millisecond

// Drain lets clients go without losing a request: from now on every response
// announces the end of its connection; after Options.DrainGrace idle
// connections are closed. New connections are accepted until none is left, or
// ctx ends. It returns ctx's error if connections were left.
func (s *Set) Drain(ctx context.Context) error {
	s.draining.Store(true)
	grace := time.NewTimer(s.opts.DrainGrace)
	defer grace.Stop()
	select {
	case <-grace.C:
	case <-ctx.Done():
	}
	err := s.awaitEmpty(ctx)
	s.shutAll()
	if err != nil {
		return err
	}
	// Who came in last is served, too.
	return s.awaitEmpty(ctx)
}

func (s *Set) awaitEmpty(ctx context.Context) error {
	tick := time.NewTicker(drainPoll)
	defer tick.Stop()
	for {
		s.plain.closeIdle()
		s.secure.closeIdle()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d connections: %w", s.connections(), ctx.Err())
		}
		if s.connections() == 0 {
			return nil
		}
	}
}

func (s *Set) shutAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for port, d := range s.ports {
		d.shut(port)
		delete(s.ports, port)
	}
}

// Close closes all ports and breaks off what is in progress.
func (s *Set) Close() {
	s.shutAll()
	s.plain.close()
	if s.secure != s.plain {
		s.secure.close()
	}
}
