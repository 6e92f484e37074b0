package proxies

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
)

// Options are what a Tracker works with. Changed is required; zero values of
// the others stand for defaults.
type Options struct {
	// Changed is called when what Fleet returns for the Gateway has changed. It
	// must not block, and not call the Tracker.
	Changed func(gateway types.NamespacedName)
	// Port is the admin port of the pods.
	Port int
	// Wait is how long a proxy holds an answer back; half a minute by default. Where there
	// are hundreds they do for longer.
	Wait time.Duration
	// Retry is the first pause after a failure; a quarter of a second by
	// default. It doubles up to maxRetry.
	Retry time.Duration
	// Patience is how long a proxy has to go on failing, from its first failure on,
	// before it is known not to answer; five seconds by default. Until then what it said
	// last stands. It takes two failures at least, however long one of them took: a
	// connection that breaks after a long wait is no news, nor is an attempt that ran out
	// of time in a process that has a thousand proxies to ask at its start.
	Patience time.Duration
	Log      logr.Logger
}

// Tracker follows the proxies of all Gateways. It is safe for concurrent use.
type Tracker struct {
	opts Options

	mu     sync.Mutex
	fleets map[types.NamespacedName]*fleet
	// ctx is the parent of every watcher's and ends with Stop.
	ctx      context.Context
	cancel   context.CancelFunc
	watchers sync.WaitGroup
	// asking is how many watchers there are.
	asking atomic.Int64
}

type fleet struct {
	// wanted is how many proxies there are to be.
	wanted int
	access Access
	client *client
	pods   map[types.UID]*watcher
}

// New returns a Tracker that asks nobody until it is told of pods.
func New(opts Options) *Tracker {
	if opts.Wait == 0 {
		opts.Wait = 30 * time.Second
	}
	if opts.Retry == 0 {
		opts.Retry = 250 * time.Millisecond
	}
	if opts.Patience == 0 {
		opts.Patience = 5 * time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Tracker{opts: opts, fleets: make(map[types.NamespacedName]*fleet), ctx: ctx, cancel: cancel}
}

// Start waits for the end of ctx, then ends all goroutines and returns. After
// that no pod is asked any more.
func (t *Tracker) Start(ctx context.Context) error {
	<-ctx.Done()
	t.Stop()
	return nil
}

// Stop ends all goroutines and waits for them.
func (t *Tracker) Stop() {
	t.mu.Lock()
	t.cancel()
	t.mu.Unlock()
	t.watchers.Wait()
}

// Sync has the Tracker follow exactly these pods of the Gateway. Those without
// an address are not asked, and are part of the Fleet all the same.
func (t *Tracker) Sync(gateway types.NamespacedName, access Access, pods []Pod) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, err := t.fleet(gateway, access)
	if err != nil {
		return err
	}
	for uid, w := range f.pods {
		if !slices.ContainsFunc(pods, func(p Pod) bool { return p.UID == uid && p.Address == w.pod.Address }) {
			w.cancel()
			delete(f.pods, uid)
		}
	}
	for _, pod := range pods {
		if w := f.pods[pod.UID]; w != nil {
			w.update(pod)
		} else {
			f.pods[pod.UID] = t.watch(gateway, f.client, pod)
		}
	}
	return nil
}

// Forget stops following the Gateway's pods.
func (t *Tracker) Forget(gateway types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.fleets[gateway]; f != nil {
		f.stop()
		delete(t.fleets, gateway)
	}
}

// Fleet returns what is known of the Gateway's proxies.
func (t *Tracker) Fleet(gateway types.NamespacedName) Fleet {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.fleets[gateway]
	if f == nil {
		return nil
	}
	proxies := make(Fleet, 0, len(f.pods))
	for _, w := range f.pods {
		proxies = append(proxies, Proxy{Pod: w.pod, Report: w.report, Asked: w.asked})
	}
	slices.SortFunc(proxies, func(a, b Proxy) int { return strings.Compare(a.Name, b.Name) })
	return proxies
}

// Reporting counts the pods of all fleets, and those that answer.
func (t *Tracker) Reporting() (all, answering int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.fleets {
		for _, w := range f.pods {
			all++
			if w.report != nil {
				answering++
			}
		}
	}
	return all, answering
}

// Want notes how many proxies a Gateway that is followed is to have.
func (t *Tracker) Want(gateway types.NamespacedName, proxies int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.fleets[gateway]; f != nil {
		f.wanted = proxies
	}
}

// Ready counts the ready pods of each Gateway that is to have any.
func (t *Tracker) Ready() map[types.NamespacedName]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	ready := make(map[types.NamespacedName]int, len(t.fleets))
	for gateway, f := range t.fleets {
		if f.wanted == 0 {
			continue
		}
		ready[gateway] = 0
		for _, w := range f.pods {
			if w.pod.Ready {
				ready[gateway]++
			}
		}
	}
	return ready
}

// fleet returns the Gateway's fleet. Its pods are asked anew when the access
// has changed.
func (t *Tracker) fleet(gateway types.NamespacedName, access Access) (*fleet, error) {
	f := t.fleets[gateway]
	if f != nil && f.access.same(&access) {
		return f, nil
	}
	client, err := newClient(access, t.opts.Port)
	if err != nil {
		return nil, err
	}
	wanted := 0
	if f != nil {
		f.stop()
		wanted = f.wanted
	}
	f = &fleet{wanted: wanted, access: access, client: client, pods: make(map[types.UID]*watcher)}
	t.fleets[gateway] = f
	return f, nil
}

func (f *fleet) stop() {
	for _, w := range f.pods {
		w.cancel()
	}
}

// watch starts following a pod. The mutex is held, so that no goroutine starts
// once Stop waits for them.
func (t *Tracker) watch(gateway types.NamespacedName, c *client, pod Pod) *watcher {
	ctx, cancel := context.WithCancel(t.ctx)
	w := &watcher{tracker: t, gateway: gateway, client: c, cancel: cancel, kick: make(chan struct{}, 1), pod: pod}
	if pod.Address != "" && ctx.Err() == nil {
		t.watchers.Go(func() { w.run(ctx, pod) })
	}
	return w
}
