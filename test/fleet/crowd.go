package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

const crowdName = "crowded"

// crowdPause is between two changes of the crowded tenant, and crowdRounds how often it
// begins to change its routes and ends it.
const (
	crowdPause  = 100 * time.Millisecond
	crowdRounds = 10
)

// crowd is what others feel of a tenant with many routes.
type crowd struct {
	// created says how long its routes took to be created and quiet again.
	created time.Duration
	// beside are the changes of others while it goes on changing its routes, changes
	// the number of these, and silent the changes of others in between.
	beside, silent durations
	changes        int64
}

// crowded makes a tenant with many routes, and measures the changes of others
// while the crowded one changes a route ten times a second, and while it does not.
func (b *bench) crowded(ctx context.Context) error {
	if b.opts.crowd == 0 {
		return nil
	}
	start := time.Now()
	if err := b.tenant(ctx, crowdName); err != nil {
		return err
	}
	if err := b.gateway(ctx, crowdName, classSimulated, 0); err != nil {
		return err
	}
	err := parallel(ctx, b.opts.crowd, func(ctx context.Context, i int) error { return b.create(ctx, route(crowdName, i)) })
	if err != nil {
		return err
	}
	g := tenant.Gateway{Cluster: b.Cluster, Name: types.NamespacedName{Namespace: crowdName, Name: gatewayName}}
	if _, err := g.WaitProgrammed(ctx); err != nil {
		return err
	}
	if _, err := b.quiet(ctx); err != nil {
		return err
	}
	b.results.crowd.created = time.Since(start)
	return b.beside(ctx)
}

// beside measures in turns, so that whatever else the machine does is there for both.
func (b *bench) beside(ctx context.Context) error {
	c, n := &b.results.crowd, max(1, b.opts.changes/crowdRounds)
	for round := range crowdRounds {
		silent, err := b.changes(ctx, fmt.Sprintf("silent-%d", round), n)
		if err != nil {
			return err
		}
		end := b.startCrowd(ctx)
		beside, err := b.changes(ctx, fmt.Sprintf("beside-%d", round), n)
		c.changes += end()
		if err != nil {
			return err
		}
		c.silent, c.beside = append(c.silent, silent.took...), append(c.beside, beside.took...)
	}
	slices.Sort(c.silent)
	slices.Sort(c.beside)
	return nil
}

// startCrowd has the crowded tenant change a route ten times a second until the function
// that it returns is called, which says how many it were.
func (b *bench) startCrowd(ctx context.Context) (end func() int64) {
	ctx, cancel := context.WithCancel(ctx)
	var changed int64
	var crowd sync.WaitGroup
	crowd.Go(func() {
		ticks := time.NewTicker(crowdPause)
		defer ticks.Stop()
		for ; ; changed++ {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			mark := fmt.Sprintf("crowd-%d", time.Now().UnixNano())
			if err := b.mark(ctx, crowdName, int(changed)%b.opts.crowd, mark); err != nil && ctx.Err() == nil {
				b.tell(fmt.Sprintf("changing a route of the crowded tenant: %v", err))
			}
		}
	})
	return func() int64 {
		cancel()
		crowd.Wait()
		return changed
	}
}
