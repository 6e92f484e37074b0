package configsource

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// fetcher reads the parts of the newest document. While it waits for one that is
// not there, which is the case when the operator is two versions ahead, a newer
// document takes the place of the one that it works on.
type fetcher struct {
	read    func(context.Context, proxyconfig.Part) ([]byte, error)
	serving func() []proxyconfig.Part
	// complete is told of a document with its parts, and of what to call if another one is
	// needed; nil is none.
	complete func(document *content, parts map[string][]byte, missed func())
	backoff  backoff
	pause    func(context.Context, time.Duration)
	// decoded is what the last sound document has, of which the next one has most.
	decoded *proxyconfig.Config

	mu       sync.Mutex
	document *content
	// round grows with each document, and when one is to be read anew. whole has
	// everything read, whatever serves; fresh says that nobody tried yet.
	round        int
	whole, fresh bool
	wake         chan struct{}
}

func newFetcher(w *WatchedConfig, complete func(*content, map[string][]byte, func())) *fetcher {
	f := &fetcher{
		read: func(ctx context.Context, p proxyconfig.Part) ([]byte, error) {
			return w.Client.part(ctx, w.ConfigMap, p)
		},
		serving: w.Serving, complete: complete, wake: make(chan struct{}, 1),
		backoff: backoff{random: w.Random, pause: w.Pause},
	}
	if f.backoff.pause == nil {
		f.backoff.pause = pause
	}
	f.pause, f.backoff.pause = f.backoff.pause, f.interruptible
	return f
}

// interruptible waits, but not past the arrival of another document.
func (f *fetcher) interruptible(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-f.wake:
			cancel()
		case <-ctx.Done():
		}
	}()
	f.pause(ctx, d)
}

// next has a document fetched in place of the one before.
func (f *fetcher) next(document *content) {
	f.mu.Lock()
	f.document, f.whole, f.fresh = document, false, true
	f.round++
	f.mu.Unlock()
	f.poke()
}

// again has the newest document fetched anew, as one of its parts was not at hand
// when it was needed.
func (f *fetcher) again() {
	f.mu.Lock()
	f.whole = true
	f.round++
	f.mu.Unlock()
	f.poke()
}

func (f *fetcher) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run fetches until ctx ends.
func (f *fetcher) run(ctx context.Context) {
	done := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		for ctx.Err() == nil {
			document, whole, round := f.take()
			if round == done {
				break
			}
			if f.fetch(ctx, document, whole) {
				done = round
			}
		}
	}
}

// take returns what is to be fetched.
func (f *fetcher) take() (document *content, whole bool, round int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fresh {
		f.backoff.reset()
	}
	f.fresh = false
	return f.document, f.whole, f.round
}

// patience is how many attempts are made before it shows that a part is missing.
const patience = 3

// fetch says whether the document is done with. One with a part that cannot be
// had is passed on as it is, so that the refusal shows, and tried again.
func (f *fetcher) fetch(ctx context.Context, document *content, whole bool) bool {
	parts, err := f.parts(ctx, document, whole)
	if ctx.Err() != nil {
		return false
	}
	if err == nil {
		f.backoff.reset()
		f.complete(document, parts, f.again)
		return true
	}
	if errors.Is(err, proxyconfig.ErrIncomplete) && f.backoff.errors == patience {
		// That one is missed is known, and tried again in any case.
		f.complete(document, parts, nil)
	}
	f.backoff.sleep(ctx, err)
	return false
}

// parts reads those of a document that are not serving. What is wrong with the
// document itself is for the Coordinator to say.
func (f *fetcher) parts(ctx context.Context, document *content, whole bool) (map[string][]byte, error) {
	if document == nil {
		return nil, nil
	}
	have := map[proxyconfig.Part]bool{}
	if f.serving != nil && !whole {
		for _, p := range f.serving() {
			have[p] = true
		}
	}
	_, config, _, err := document.decode(f.decoded)
	if err != nil {
		return nil, nil
	}
	f.decoded = config
	parts := map[string][]byte{}
	for _, p := range config.Parts {
		if have[p] {
			continue
		}
		data, err := f.read(ctx, p)
		if err != nil {
			return parts, err
		}
		parts[p.Key()] = data
	}
	return parts, nil
}
