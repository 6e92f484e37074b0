package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// restlessPause is between two changes of the restless tenant, restlessRounds how often it
// begins to change its routes and ends it, and restlessRest how long what it has left to do
// may take before others' changes count as those beside a silent one.
const (
	restlessPause  = 100 * time.Millisecond
	restlessRounds = 10
	restlessRest   = time.Second
)

// fairness is what others feel of a restless tenant, which goes on changing its routes.
type fairness struct {
	// beside are the changes of others while it does, changes the number of its own, and
	// silent the changes of others in between.
	beside, silent durations
	changes        int64
}

// restless makes a restless tenant's i-th change.
type restless func(ctx context.Context, i int) error

// remarks changes what the answers of a route are marked with; of which one, which tells.
func (b *bench) remarks(namespace string, which func(i int) int) restless {
	return func(ctx context.Context, i int) error {
		return b.mark(ctx, namespace, which(i), fmt.Sprintf("restless-%d", time.Now().UnixNano()))
	}
}

// beside measures in turns, so that whatever else the machine does is there for both.
func (b *bench) beside(ctx context.Context, series string, change restless) (f fairness, err error) {
	n := max(1, b.opts.changes/restlessRounds)
	for round := range restlessRounds {
		select {
		case <-ctx.Done():
			return f, ctx.Err()
		case <-time.After(restlessRest):
		}
		silent, err := b.changes(ctx, fmt.Sprintf("%s-silent-%d", series, round), n)
		if err != nil {
			return f, err
		}
		end := b.startRestless(ctx, int(f.changes), change)
		beside, err := b.changes(ctx, fmt.Sprintf("%s-beside-%d", series, round), n)
		f.changes += end()
		if err != nil {
			return f, err
		}
		f.silent, f.beside = append(f.silent, silent.took...), append(f.beside, beside.took...)
	}
	slices.Sort(f.silent)
	slices.Sort(f.beside)
	return f, nil
}

// startRestless makes a change ten times a second, beginning with the one of a number,
// until the function that it returns is called, which says how many it were.
func (b *bench) startRestless(ctx context.Context, from int, change restless) (end func() int64) {
	ctx, cancel := context.WithCancel(ctx)
	var changed int64
	var changes sync.WaitGroup
	changes.Go(func() {
		ticks := time.NewTicker(restlessPause)
		defer ticks.Stop()
		for ; ; changed++ {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			if err := change(ctx, from+int(changed)); err != nil && ctx.Err() == nil {
				b.tell(fmt.Sprintf("the restless tenant: %v", err))
			}
		}
	})
	return func() int64 {
		cancel()
		changes.Wait()
		return changed
	}
}
