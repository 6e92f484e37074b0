package cluster

import (
	"context"
	"errors"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
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

// newInformer returns an informer that asks for as long as the API server is away, and so
// hears of its return at once. Of its own it pauses in between, for longer after each error,
// up to a minute, and forgets those only after two minutes without one. It still does so
// before it lists everything anew, which it has to where a watch is too old.
func newInformer(lw toolscache.ListerWatcher, kind runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	return toolscache.NewSharedIndexInformer(insistent(lw), kind, resync, indexers)
}

// insistent has each call last until the API server has answered it, or the call's
// context ends.
func insistent(lw toolscache.ListerWatcher) toolscache.ListerWatcher {
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
		case away(err):
			denied = time.Time{}
		case apierrors.IsForbidden(err) && denied.IsZero():
			denied = time.Now()
		case apierrors.IsForbidden(err) && time.Since(denied) < ignorance:
		default:
			return answer, err
		}
		select {
		case <-ctx.Done():
			return answer, err
		case <-time.After(wait.Jitter(pause, 1)):
		}
	}
}

// away says whether an error tells that there is no API server, or none that works yet: it
// asks for patience while it fills its own caches.
func away(err error) bool {
	var unreached *url.Error
	return errors.As(err, &unreached) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err)
}
