package health

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/proxyproto"
)

// maxRunning bounds the probes that run at one time.
const maxRunning = 64

// Options of a Checker.
type Options struct {
	Registry *balance.Registry
	// Now is the clock by which endpoints are ejected, in nanoseconds.
	Now func() int64
	// SentProxy returns the version of the PROXY protocol header that connections
	// to a backend begin with, or "" for none; nil knows of none.
	SentProxy func(*balance.Cluster) proxyconfig.ProxyVersion
	// Dial opens a connection; nil is a net.Dialer's.
	Dial func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
}

// Checker probes endpoints. Its Run is called once.
type Checker struct {
	options Options
	prober  prober
	due     schedule
	results chan result
	running int
}

// result is how a probe ended.
type result struct {
	target *target
	err    error
}

// New returns a Checker that does nothing yet.
func New(o Options) *Checker {
	if o.Dial == nil {
		o.Dial = func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr.String())
		}
	}
	return &Checker{
		options: o,
		prober:  prober{permit: o.Registry.Permit, dial: o.Dial},
		due:     newSchedule(),
		results: make(chan result, maxRunning),
	}
}

// Run probes until ctx is done, and returns when no probe runs any more. While
// it runs, ejected endpoints are readmitted by it and not by users' requests.
func (c *Checker) Run(ctx context.Context) {
	changed, stop := c.options.Registry.StartProbing()
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			c.due.follow(c.options.Registry.Changed(), c.options.Now())
		case r := <-c.results:
			c.running--
			c.finished(r, c.options.Now())
		case <-timer.C:
		}
		c.start(ctx, &wg)
		c.rest(timer)
	}
}

// finished takes the result of a probe. One for which there was no descriptor
// says nothing of the endpoint.
func (c *Checker) finished(r result, now int64) {
	if overload.OutOfFiles(r.err) {
		c.due.postpone(r.target, now)
		return
	}
	c.due.learn(r.target, r.err == nil, now)
}

// start begins the probes that are due.
func (c *Checker) start(ctx context.Context, wg *sync.WaitGroup) {
	for c.running < maxRunning {
		t := c.due.take(c.options.Now())
		if t == nil {
			return
		}
		c.running++
		check, p := t.check, c.proberFor(t)
		wg.Go(func() { c.results <- result{t, p.probe(ctx, t.endpoint.Addr, check)} })
	}
}

// proberFor returns what probes a target: with the header that its backend
// expects, unless the check is of another port, of which nothing is known.
func (c *Checker) proberFor(t *target) prober {
	p := c.prober
	if c.options.SentProxy != nil && (t.check == nil || t.check.Port == 0) {
		p.header = proxyproto.Own(c.options.SentProxy(t.endpoint.Cluster))
	}
	return p
}

// rest sets the timer to the next probe. There is none to wait for while as many
// run as may: each that ends wakes Run.
func (c *Checker) rest(timer *time.Timer) {
	at, ok := c.due.next()
	if !ok || c.running >= maxRunning {
		timer.Stop()
		return
	}
	timer.Reset(time.Duration(max(0, at-c.options.Now())))
}
