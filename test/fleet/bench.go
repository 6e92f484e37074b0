package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// bench is one run.
type bench struct {
	*stack.Stack
	opts options
	http *http.Client
	// tell is told how far the run is.
	tell func(string)
	told time.Time

	progress progress
	configs  configs
	// backend is the address that all routes lead to, and addresses those of
	// real proxies by their namespaces.
	backend   string
	addresses map[string]string

	results results
	// ended says in which phase the run ended early, and why.
	ended error
}

// results are what was measured.
type results struct {
	// creating took from the first create to the last, and programming from then
	// until all were Programmed.
	creating, programming time.Duration
	// born is what the operator used from before the first create until it was
	// quiet, and atProgrammed until the last one was Programmed.
	born, atProgrammed delta
	// machine is what the programs of the machine took in the same time as born.
	machine          []share
	settled          usage
	idle             delta
	proxies, sensors []memory
	alone            changed
	crowd            crowd
	panics           panics
	restart          restart
}

// delta is what was used between two moments.
type delta struct {
	took, cpu                      time.Duration
	writes, refused, routes, looks float64
	// wrote are the writes by verb, resource and group.
	wrote map[string]float64
}

func (u usage) since(before usage) delta {
	wrote := make(map[string]float64)
	for what, n := range u.wrote {
		if more := n - before.wrote[what]; more > 0 {
			wrote[what] = more
		}
	}
	return delta{
		took: u.at.Sub(before.at), cpu: u.cpu - before.cpu,
		writes: u.writes - before.writes, refused: u.refused - before.refused, routes: u.routes - before.routes,
		looks: u.looks - before.looks, wrote: wrote,
	}
}

// measure goes through all phases.
func (b *bench) measure(ctx context.Context) error {
	b.http = b.HTTPClient()
	b.addresses = make(map[string]string)
	b.progress.when = make(map[ctrlclient.ObjectKey]time.Time)
	b.configs.told = make(map[ctrlclient.ObjectKey]told)
	phases := []struct {
		name string
		do   func(context.Context) error
	}{
		{"open the operator's metrics", b.openMetrics},
		{"follow Gateways and configurations", b.watch},
		{"make classes and a backend", b.classes},
		{fmt.Sprintf("make %d namespaces", b.opts.gateways), b.tenants},
		{fmt.Sprintf("create %d Gateways with %d routes each", b.opts.gateways, b.opts.routes), b.birth},
		{"check what they serve", b.verify},
		{"leave them alone", b.idle},
		{"read the memory of proxies and sensors", b.memories},
		{"change routes", b.alone},
		{"restart the operator", b.restart},
		{"change routes beside a crowded tenant", b.crowded},
		{"change routes beside tenants whose routes make the operator panic", b.panicking},
	}
	for _, phase := range phases {
		start := time.Now()
		b.tell(phase.name)
		if err := phase.do(ctx); err != nil {
			b.ended = fmt.Errorf("%s: %w", phase.name, err)
			return b.ended
		}
		fmt.Printf("   %.1f s\n", time.Since(start).Seconds())
	}
	return nil
}

// birth creates the fleet and waits until nothing is left to do.
func (b *bench) birth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.opts.within)
	defer cancel()
	before, err := b.usage(ctx)
	if err != nil {
		return err
	}
	ran, err := programs()
	if err != nil {
		return err
	}
	start := time.Now()
	created, err := b.gateways(ctx)
	if err != nil {
		return err
	}
	b.tell(fmt.Sprintf("created after %.1f s", created.Sub(start).Seconds()))
	last, err := b.progress.await(ctx, b.opts.gateways, b.tell)
	if err != nil {
		return err
	}
	b.tell(fmt.Sprintf("all Programmed %.1f s after the last create", last.Sub(created).Seconds()))
	at, err := b.usage(ctx)
	if err != nil {
		return err
	}
	r := &b.results
	if r.settled, err = b.quiet(ctx); err != nil {
		return err
	}
	run, err := programs()
	if err != nil {
		return err
	}
	r.machine = shares(ran, run)
	r.creating, r.programming = created.Sub(start), max(0, last.Sub(created))
	r.atProgrammed, r.born = at.since(before), r.settled.since(before)
	return nil
}

// quietFor is how long the operator has to write nothing to count as done.
const quietFor = 10 * time.Second

// quiet waits until the operator writes nothing any more.
func (b *bench) quiet(ctx context.Context) (usage, error) {
	last, err := b.usage(ctx)
	if err != nil {
		return last, err
	}
	since := last
	for now := last; now.at.Sub(since.at) < quietFor; last = now {
		select {
		case <-ctx.Done():
			return now, fmt.Errorf("the operator does not become quiet: %w", ctx.Err())
		case <-time.After(time.Second):
		}
		if now, err = b.usage(ctx); err != nil {
			return now, err
		}
		if now.writes != last.writes {
			since = now
		}
	}
	return since, nil
}

// idle measures a fleet that nobody touches.
func (b *bench) idle(ctx context.Context) error {
	before, err := b.quiet(ctx)
	if err != nil {
		return err
	}
	if before, err = b.usage(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(b.opts.idle):
	}
	after, err := b.usage(ctx)
	b.results.idle = after.since(before)
	return err
}

func (b *bench) alone(ctx context.Context) (err error) {
	b.results.alone, err = b.changes(ctx, "alone", b.opts.changes)
	return err
}
