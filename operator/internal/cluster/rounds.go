package cluster

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
)

// longestRefusal is the longest pause after an answer that another try hardly changes, such
// as that the kind is unknown. Up to as much is added.
const longestRefusal = 30 * time.Second

// lastingRound is how long a round lasts that tells of no trouble when it ends.
const lastingRound = 10 * time.Second

// errNotYet ends the one round that a reflector begins of its own.
var errNotYet = errors.New("the informer goes round at a pace of its own")

// rounds has a reflector, which is the part of an informer that lists and watches, go round
// at a pace of ours. A round lists everything and then watches, for hours as a rule, until
// the API server has forgotten where the watch was; one that was just started has forgotten
// everything. Before the next round a reflector pauses, for longer after each within two
// minutes and up to a minute, and an informer does not let others set that
// (kubernetes/kubernetes#136943 is to change it).
//
// But it hands a reflector's errors to others, and goes on when these return, which is why
// client-go wants them to be quick. So the first round fails, and whom that is told does all
// the others.
type rounds struct{ ours atomic.Bool }

// behind lets nothing through before the rounds are ours.
func (r *rounds) behind(lw toolscache.ListerWatcherWithContext) toolscache.ListerWatcher {
	return &toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			if !r.ours.Load() {
				return nil, errNotYet
			}
			return lw.ListWithContext(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			if !r.ours.Load() {
				return nil, errNotYet
			}
			return lw.WatchWithContext(ctx, options)
		},
	}
}

// run is the handler of the first error. It goes round until ctx ends.
func (r *rounds) run(ctx context.Context, reflector *toolscache.Reflector, _ error) {
	r.ours.Store(true)
	for pause := time.Duration(0); ctx.Err() == nil; {
		began := time.Now()
		err := reflector.ListAndWatchWithContext(ctx)
		if err != nil && ctx.Err() == nil {
			toolscache.DefaultWatchErrorHandler(ctx, reflector, err)
		}
		pause = pauseAfter(err, time.Since(began), pause)
		select {
		case <-ctx.Done():
		case <-time.After(wait.Jitter(pause, 1)):
		}
	}
}

// pauseAfter returns for how long to pause after a round, given how long it lasted and the
// pause before it. A watch that has become too old is no error, and none is left of it.
func pauseAfter(err error, lasted, before time.Duration) time.Duration {
	outdated := err == nil || apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
	next := max(shortestPause, 2*before)
	switch {
	case outdated && lasted >= lastingRound:
		return 0
	case outdated:
		return min(next, longestPause)
	}
	return min(next, longestRefusal)
}
