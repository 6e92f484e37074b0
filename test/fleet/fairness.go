package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// restlessPause is between two changes of the restless tenant, and restlessRounds how
// often it begins to change its routes and ends it.
const (
	restlessPause  = 100 * time.Millisecond
	restlessRounds = 10
)

// fairness is what others feel of a restless tenant, which goes on changing its routes.
type fairness struct {
	// beside are the changes of others while it does, changes the number of its own, and
	// silent the changes of others in between.
	beside, silent durations
	changes        int64
}

// chosen returns the tenant and the route of a restless tenant's i-th change.
type chosen func(i int) (namespace string, route int)

// beside measures in turns, so that whatever else the machine does is there for both.
func (b *bench) beside(ctx context.Context, series string, which chosen) (f fairness, err error) {
	n := max(1, b.opts.changes/restlessRounds)
	for round := range restlessRounds {
		silent, err := b.changes(ctx, fmt.Sprintf("%s-silent-%d", series, round), n)
		if err != nil {
			return f, err
		}
		end := b.startRestless(ctx, which)
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

// startRestless has a route changed ten times a second until the function that it returns
// is called, which says how many times it was.
func (b *bench) startRestless(ctx context.Context, which chosen) (end func() int64) {
	ctx, cancel := context.WithCancel(ctx)
	var changed int64
	var restless sync.WaitGroup
	restless.Go(func() {
		ticks := time.NewTicker(restlessPause)
		defer ticks.Stop()
		for ; ; changed++ {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			namespace, route := which(int(changed))
			if err := b.mark(ctx, namespace, route, fmt.Sprintf("restless-%d", time.Now().UnixNano())); err != nil && ctx.Err() == nil {
				b.tell(fmt.Sprintf("changing route %d of %s: %v", route, namespace, err))
			}
		}
	})
	return func() int64 {
		cancel()
		restless.Wait()
		return changed
	}
}
