package configsource

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// WatchedConfig is the watched lane: one ConfigMap with the document and the
// Secrets with the certificates, each watched by name. The parts of a document are
// not watched but read when a document names them.
type WatchedConfig struct {
	Client    *KubeClient
	ConfigMap string
	Secrets   []string
	// Serving are the parts that need not be read, as they serve; nil reads all.
	Serving func() []proxyconfig.Part
	// Random returns a number in [0, 1), to spread attempts.
	Random func() float64
	// Pause waits between attempts; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration)
	Log   logr.Logger
}

// Run sends an observation whenever one of the objects changes, until ctx ends
// and all watches have.
func (w *WatchedConfig) Run(ctx context.Context, out chan<- Observation) {
	lane := &watchedLane{ctx: ctx, out: out, secrets: map[string]map[string][]byte{}}
	var wg sync.WaitGroup
	defer wg.Wait()
	lane.fetcher = newFetcher(w, lane.complete)
	wg.Go(func() { lane.fetcher.run(ctx) })
	wg.Go(func() { follow(ctx, w, "configmaps", w.ConfigMap, lane.configMap) })
	for _, name := range w.Secrets {
		wg.Go(func() {
			follow(ctx, w, "secrets", name, func(o *object[[]byte]) { lane.secret(name, o) })
		})
	}
}

// follow runs one watcher.
func follow[V any](ctx context.Context, w *WatchedConfig, resource, name string, changed func(*object[V])) {
	b := backoff{random: w.Random, pause: w.Pause}
	if b.pause == nil {
		b.pause = pause
	}
	f := watcher[V]{client: w.Client, resource: resource, name: name, changed: changed, backoff: b, log: w.Log}
	f.run(ctx)
}

// watchedLane puts together what the watches saw.
type watchedLane struct {
	ctx     context.Context
	out     chan<- Observation
	fetcher *fetcher

	mu       sync.Mutex
	document *content
	// parts are the bytes of the document's parts that were read, by key, as long as
	// nobody has seen them.
	parts map[string][]byte
	// missed is called if another part is needed; nil is none.
	missed  func()
	secrets map[string]map[string][]byte
}

func (l *watchedLane) configMap(o *object[text]) {
	var document *content
	if o != nil {
		if data, ok := o.Data[proxyconfig.ConfigKey]; ok {
			document = &content{data: data}
		}
	}
	l.fetcher.next(document)
}

// complete is called with a document once its parts are there.
func (l *watchedLane) complete(document *content, parts map[string][]byte, missed func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.document, l.parts, l.missed = document, parts, missed
	l.send()
	// Whoever looked has them.
	l.parts = nil
}

func (l *watchedLane) secret(name string, o *object[[]byte]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.secrets, name)
	if o != nil {
		l.secrets[name] = o.Data
	}
	l.send()
}

// send is called under the lock, so that observations arrive in order.
func (l *watchedLane) send() {
	pairs := map[string]snapshot.KeyPair{}
	for _, data := range l.secrets {
		maps.Copy(pairs, keyPairs(data))
	}
	parts := l.parts
	o := Observation{Source: Watch, content: l.document, Certificates: pairs, Missed: l.missed,
		Part: func(p proxyconfig.Part) ([]byte, error) {
			if data, ok := parts[p.Key()]; ok {
				return data, nil
			}
			return nil, missing(p)
		},
	}
	if l.document != nil {
		o.Document = l.document.data
	}
	select {
	case l.out <- o:
	case <-l.ctx.Done():
	}
}
