package configsource

import (
	"context"
	"errors"
	"time"
)

// The shortest and the longest pause after an error.
const (
	minPause = 100 * time.Millisecond
	maxPause = 10 * time.Second
)

// backoff spaces out attempts. Pauses double with each error in a row, and are
// spread, so that the proxies of a fleet do not come back in step.
type backoff struct {
	// random returns a number in [0, 1).
	random func() float64
	// pause waits, or returns early when ctx ends.
	pause  func(ctx context.Context, d time.Duration)
	errors int
}

func (b *backoff) reset() { b.errors = 0 }

// sleep waits before the next attempt. An API server that asks for patience
// gets it.
func (b *backoff) sleep(ctx context.Context, err error) {
	d := b.next()
	var status *statusError
	if errors.As(err, &status) {
		d = max(d, status.retryAfter)
	}
	b.pause(ctx, d)
}

func (b *backoff) next() time.Duration {
	d := maxPause
	if b.errors < 7 {
		d = min(maxPause, minPause<<b.errors)
		b.errors++
	}
	return b.spread(d)
}

// spread returns between three quarters of d and d.
func (b *backoff) spread(d time.Duration) time.Duration {
	return d - time.Duration(b.random()*float64(d)/4)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
