package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

const crowdName = "crowded"

// crowdPause is between two changes of the crowded tenant.
const crowdPause = 100 * time.Millisecond

// crowd is what others feel of a tenant with many routes.
type crowd struct {
	// created says how long its routes took to be created and quiet again.
	created time.Duration
	// beside are the changes of others while it goes on changing its routes, and
	// changes the number of these.
	beside  durations
	changes int64
}

// crowded makes a tenant with many routes, and measures the changes of others
// while the crowded one changes a route ten times a second.
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

func (b *bench) beside(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var changed atomic.Int64
	var crowd sync.WaitGroup
	crowd.Go(func() {
		ticks := time.NewTicker(crowdPause)
		defer ticks.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			if err := b.mark(ctx, crowdName, i%b.opts.crowd, "crowd-"+strconv.Itoa(i)); err != nil && ctx.Err() == nil {
				b.tell(fmt.Sprintf("changing a route of the crowded tenant: %v", err))
			}
			changed.Add(1)
		}
	})
	b.results.crowd.beside, err = b.changes(ctx, "beside")
	b.results.crowd.changes = changed.Load()
	cancel()
	crowd.Wait()
	return err
}
