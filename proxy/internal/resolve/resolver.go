package resolve

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

const (
	// interval is how long an answer is kept, give or take a tenth.
	interval = 15 * time.Second
	// firstRetry is when a name that could not be resolved is asked for again. The
	// time doubles up to the interval.
	firstRetry = 500 * time.Millisecond
	// lookupTimeout bounds one lookup of both kinds of addresses.
	lookupTimeout = 5 * time.Second
	// maxLookups bounds the lookups at one time.
	maxLookups = 16
)

// Options of a Resolver.
type Options struct {
	Registry *balance.Registry
	// Lookup returns the IPv4 and IPv6 addresses of a hostname; nil asks the
	// servers of the system. It is called from several goroutines.
	Lookup func(ctx context.Context, hostname string) ([]netip.Addr, error)
	// Changed, when not nil, is called after endpoints have changed.
	Changed func()
	// Problems, when not nil, is called after what Registry.HostnameProblems returns
	// may have changed.
	Problems func()
	Log      logr.Logger
}

// Resolver resolves the hostnames of a Registry.
type Resolver struct {
	options Options
	lookups chan struct{}
}

// New returns a Resolver that does nothing yet.
func New(o Options) *Resolver {
	if o.Lookup == nil {
		o.Lookup = lookup
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	if o.Problems == nil {
		o.Problems = func() {}
	}
	return &Resolver{options: o, lookups: make(chan struct{}, maxLookups)}
}

// Start has the hostnames followed until ctx ends. Configurations wait for the
// first answers from then on. It returns what waits for the end.
func (r *Resolver) Start(ctx context.Context) (wait func()) {
	changed, stop := r.options.Registry.StartResolving()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer stop()
		r.follow(ctx, changed, &wg)
	})
	return wg.Wait
}

// follow keeps one goroutine for each hostname.
func (r *Resolver) follow(ctx context.Context, changed <-chan struct{}, wg *sync.WaitGroup) {
	following := map[balance.Hostname]context.CancelFunc{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		gone := following
		following = map[balance.Hostname]context.CancelFunc{}
		for _, hostname := range r.options.Registry.Hostnames() {
			if cancel, ok := gone[hostname]; ok {
				following[hostname] = cancel
				delete(gone, hostname)
				continue
			}
			own, cancel := context.WithCancel(ctx)
			following[hostname] = cancel
			wg.Go(func() { r.keep(own, hostname.Name) })
		}
		for _, cancel := range gone {
			cancel()
		}
	}
}

// keep asks for one hostname again and again.
func (r *Resolver) keep(ctx context.Context, hostname string) {
	retry := firstRetry
	var last error
	for {
		changed, problem := r.ask(ctx, hostname)
		if ctx.Err() != nil {
			return
		}
		r.tell(hostname, last, problem)
		if changed || problem != nil || last != nil {
			r.options.Problems()
		}
		last = problem
		pause := interval
		if problem == nil {
			retry = firstRetry
		} else {
			pause, retry = retry, min(2*retry, interval)
		}
		if !sleep(ctx, jitter(pause)) {
			return
		}
	}
}

// tell logs that a hostname has begun to fail, for another reason perhaps, or has
// ceased to.
func (r *Resolver) tell(hostname string, before, now error) {
	log := r.options.Log.WithValues("hostname", hostname)
	switch {
	case now == nil && before != nil:
		log.Info("An external hostname is resolved again")
	case now != nil && (before == nil || before.Error() != now.Error()):
		log.Info("An external hostname cannot be resolved; its last addresses, if any, go on", "reason", now.Error())
	}
}

// ask looks a hostname up and tells the Registry. It returns whether endpoints have
// changed, and why the answer is of no use.
func (r *Resolver) ask(ctx context.Context, hostname string) (changed bool, problem error) {
	select {
	case r.lookups <- struct{}{}:
		defer func() { <-r.lookups }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	bounded, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addresses, err := r.options.Lookup(bounded, hostname)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	changed, problem = r.options.Registry.Resolved(hostname, addresses, err)
	if changed {
		r.options.Log.V(1).Info("An external hostname leads elsewhere", "hostname", hostname, "addresses", len(addresses))
		r.options.Changed()
	}
	return changed, problem
}

// jitter spreads the lookups of names and of proxies that began together.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5)
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
