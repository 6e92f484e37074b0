package cluster

import (
	"context"
	"errors"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
)

// The shortest and the longest pause before an API server that is not there is asked
// again. Up to as much is added, so that not all kinds ask at the same time.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = time.Second
)

// ignorance is how long an API server that has just started may deny everything, as it
// does before it has read who may do what.
const ignorance = 15 * time.Second

// newInformer returns an informer that hears of what happened while the API server was away
// soon after its return, however often that was. It asks for as long as there is none, and
// lists everything anew as soon as a watch is too old. An informer of client-go's pauses
// before both, for longer after each time, up to a minute, and forgets those only after two
// minutes without one.
func newInformer(lw toolscache.ListerWatcher, kind runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	r := &rounds{}
	informer := toolscache.NewSharedIndexInformer(r.behind(insistent(lw)), kind, resync, indexers)
	// Only an informer that runs would refuse it.
	utilruntime.Must(informer.SetWatchErrorHandlerWithContext(r.run))
	return informer
}

// insistent has each call last until the API server has answered it, or the call's
// context ends.
func insistent(lw toolscache.ListerWatcher) toolscache.ListerWatcherWithContext {
	once := toolscache.ToListerWatcherWithContext(lw)
	return &toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return insist(ctx, func() (runtime.Object, error) { return once.ListWithContext(ctx, options) })
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			w, err := insist(ctx, func() (watch.Interface, error) { return once.WatchWithContext(ctx, options) })
			if err != nil {
				return nil, err
			}
			return newLastingWatch(w), nil
		},
	}
}

// insist asks until there is an answer that counts.
func insist[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	var denied time.Time // since when it has been
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		answer, err := ask()
		switch {
		case Away(err):
			denied = time.Time{}
		case apierrors.IsForbidden(err) && denied.IsZero():
			denied = time.Now()
		case apierrors.IsForbidden(err) && time.Since(denied) < ignorance:
		default:
			return answer, err
		}
		select {
		case <-ctx.Done():
			// Told of a refused connection, a reflector pauses before it stops.
			return answer, ctx.Err()
		case <-time.After(wait.Jitter(pause, 1)):
		}
	}
}

// Away says whether an error tells that there is no API server, or none that works yet: it
// asks for patience while it fills its own caches.
func Away(err error) bool {
	var unreached *url.Error
	return errors.As(err, &unreached) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err)
}
