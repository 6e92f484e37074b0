package main

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

const crowdName = "crowded"

// crowd is what others feel of a tenant with many routes.
type crowd struct {
	fairness
	// created says how long its routes took to be created and quiet again.
	created time.Duration
	// anew is while it has all of its routes translated anew.
	anew fairness
}

// crowded makes a tenant with many routes, and measures the changes of others
// while the crowded one changes a route ten times a second, or a policy that concerns all of
// its routes, and while it does not.
func (b *bench) crowded(ctx context.Context) (err error) {
	if b.opts.crowd == 0 {
		return nil
	}
	start := time.Now()
	if err := b.neighbour(ctx, crowdName, b.opts.crowd); err != nil {
		return err
	}
	if _, err := b.quiet(ctx); err != nil {
		return err
	}
	b.results.crowd.created = time.Since(start)
	b.results.crowd.fairness, err = b.beside(ctx, "crowd", b.remarks(crowdName, func(i int) int { return i % b.opts.crowd }))
	if err != nil {
		return err
	}
	b.results.crowd.anew, err = b.beside(ctx, "anew", b.repolicies(crowdName, "budget"))
	return err
}

// neighbour makes one more tenant, whose proxies are simulated, and waits until its
// Gateway is Programmed.
func (b *bench) neighbour(ctx context.Context, namespace string, routes int) error {
	if err := b.tenant(ctx, namespace); err != nil {
		return err
	}
	if err := b.gateway(ctx, namespace, classSimulated, 0); err != nil {
		return err
	}
	err := parallel(ctx, routes, func(ctx context.Context, i int) error { return b.create(ctx, route(namespace, i)) })
	if err != nil {
		return err
	}
	g := tenant.Gateway{Cluster: b.Cluster, Name: types.NamespacedName{Namespace: namespace, Name: gatewayName}}
	_, err = g.WaitProgrammed(ctx)
	return err
}
