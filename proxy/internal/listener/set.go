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

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/custody"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/l4"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/tracing"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// Driver chooses what drives the ports of HTTP and HTTPS that need nothing but
// that. Ports whose connections are to be looked at before anybody knows what they
// are (PROXY protocol, TLS by server names), and what is below HTTP, are always
// driven by goroutines.
type Driver uint8

// The drivers.
const (
	// Fastest is the epoll loops on Linux, unless it is built with the tag portable,
	// and goroutines elsewhere.
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
	// from zero up to twice the number of loops, which is the one for what is
	// below HTTP. It may be nil, and may return nil.
	Observers func(loop int) traffic.Observer
	// Snapshot is what clients are served by. Whoever swaps it calls Apply.
	Snapshot *atomic.Pointer[snapshot.Snapshot]
	Log      logr.Logger
	Limits   exchange.Limits
	// TrustedHops is that of exchange.Options.
	TrustedHops int
	// Slow is that of exchange.Options.
	Slow func(*proxyconfig.Settings) time.Duration
	// Spans takes what is recorded of requests; nil records nothing.
	Spans tracing.Sink
	// Gate lets connections in, and says how much work is to be left undone; nil
	// makes one of the default limits.
	Gate *overload.Gate
	// Sockets, where they are not nil, are those of TCP that outlive the process.
	Sockets custody.Sockets
	// L4 are the limits of what is below HTTP; the Set fills in the other
	// fields.
	L4     l4.Options
	Driver Driver
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
	l4       *l4.Server
	plain    driver
	// other drives the ports of TCP that plain does not.
	other     *goroutines
	datagrams *datagrams

	mu     sync.Mutex
	ports  map[place]driver
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
	// queues are those that work waits in.
	queues() []overload.Queue
	// close breaks off all connections and waits for their end.
	close()
}

// place is where a socket listens: ports of UDP and of TCP do not meet.
type place struct {
	port uint16
	udp  bool
}

// PortError is why a port could not be opened.
type PortError struct {
	Port uint16
	// UDP tells the ports of UDP from those of TCP.
	UDP bool
	Err error
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
	if o.Gate == nil {
		o.Gate = overload.NewGate(overload.Limits{})
	}
	s := &Set{opts: o, ports: map[place]driver{}}
	epoch := time.Now()
	for i := range 2 * o.Loops {
		s.loops = append(s.loops, exchange.NewLoop(s.loopOptions(i, epoch)))
	}
	s.l4 = l4.New(s.l4Options(epoch))
	s.datagrams = newDatagrams(s)
	s.other = newGoroutines(s, s.loops[o.Loops:], epoch)
	s.plain = s.other
	if o.Driver == Fastest {
		d, err := newFastest(s, s.loops[:o.Loops], epoch)
		if err != nil {
			s.other.close()
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
		Epoch: epoch, Seed: uint64(i), Limits: s.opts.Limits, TrustedHops: s.opts.TrustedHops, Gate: s.opts.Gate,
		Spans: s.opts.Spans, Slow: s.opts.Slow,
	}
	if s.opts.Observers != nil {
		o.Observer = s.opts.Observers(i)
	}
	return o
}

func (s *Set) l4Options(epoch time.Time) l4.Options {
	o := s.opts.L4
	o.Snapshot, o.Epoch, o.Gate = s.opts.Snapshot, epoch, s.opts.Gate
	if s.opts.Observers != nil {
		o.Observer = s.opts.Observers(len(s.loops))
	}
	return o
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
		s.other.closeIdle()
		s.datagrams.closeIdle()
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
	for at, d := range s.ports {
		d.shut(at.port)
		delete(s.ports, at)
	}
}

// Queues returns the queues that work waits in.
func (s *Set) Queues() []overload.Queue {
	if driver(s.other) == s.plain {
		return s.other.queues()
	}
	return append(s.plain.queues(), s.other.queues()...)
}

// Close closes all ports and breaks off what is in progress.
func (s *Set) Close() {
	s.shutAll()
	s.plain.close()
	if driver(s.other) != s.plain {
		s.other.close()
	}
	s.datagrams.close()
}
