package configsource

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// The shortest and the longest pause after an error, and the longest while there is no
// API server to answer: nobody is asked too much then, and its return is heard of soon.
const (
	minPause     = 100 * time.Millisecond
	maxPause     = 10 * time.Second
	maxPauseAway = 2 * time.Second
)

// backoff spaces out attempts. Pauses double with each error in a row, and are
// spread, so that the proxies of a fleet do not come back in step.
type backoff struct {
	// random returns a number in [0, 1).
	random func() float64
	// pause waits, or returns early when ctx ends.
	pause  func(ctx context.Context, d time.Duration)
	errors int
	// away says that nobody answered last.
	away bool
}

func (b *backoff) reset() { b.errors = 0 }

// sleep waits before the next attempt. An API server that asks for patience
// gets it. One that is back, and not of much use yet, is asked soon again.
func (b *backoff) sleep(ctx context.Context, err error) {
	away := unreached(err)
	if b.away && !away {
		b.reset()
	}
	b.away = away
	d := b.next()
	var status *statusError
	if errors.As(err, &status) {
		d = max(d, status.retryAfter)
	}
	b.pause(ctx, d)
}

// unreached says whether an error tells that nobody answered.
func unreached(err error) bool {
	var failed *url.Error
	return errors.As(err, &failed)
}

func (b *backoff) next() time.Duration {
	longest := maxPause
	if b.away {
		longest = maxPauseAway
	}
	d := longest
	if b.errors < 7 {
		d = min(longest, minPause<<b.errors)
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
