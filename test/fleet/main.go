package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/fleet/simulator"
	"github.com/fleetgate/fleetgate/test/internal/measure"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// options are the flags.
type options struct {
	gateways, real, routes, replicas int
	changes, crowd                   int
	idle, within                     time.Duration
	panics, keep                     bool
	out                              string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parse()); err != nil {
		fmt.Fprintln(os.Stderr, "bench-fleet:", err)
		os.Exit(1)
	}
}

func parse() (o options) {
	flag.IntVar(&o.gateways, "gateways", 1000, "`number` of Gateways, each in a namespace of its own")
	flag.IntVar(&o.real, "real", 10, "how many of them have real proxies")
	flag.IntVar(&o.routes, "routes", 10, "HTTPRoutes of each Gateway")
	flag.IntVar(&o.replicas, "replicas", 1, "proxies of each Gateway")
	flag.IntVar(&o.changes, "changes", 100, "route changes that are timed, alone and beside each restless tenant")
	flag.IntVar(&o.crowd, "crowd", 5000, "routes of the one tenant that has many; 0 for no such tenant")
	flag.BoolVar(&o.panics, "panics", true, "time route changes beside tenants whose routes make an operator panic that was built to")
	flag.DurationVar(&o.idle, "idle", time.Minute, "how long the fleet is left alone for the measurement of idleness")
	flag.DurationVar(&o.within, "within", 10*time.Minute, "how long the Gateways may take to be Programmed before it is given up")
	flag.BoolVar(&o.keep, "keep", false, "leave the cluster up")
	flag.StringVar(&o.out, "out", "", "`file` to write (default docs/benchmarks/fleet.md)")
	flag.Parse()
	return o
}

// run measures in a cluster that nobody else uses, from its start to its end.
func run(ctx context.Context, opts options) (err error) {
	if _, err := client.Connect(client.Options{}); err == nil {
		return errors.New("a cluster is up already, and what is in it would be measured: take it down with `make cluster-down`")
	}
	fleetgate, err := stack.Up(ctx, os.Stdout)
	if !opts.keep {
		defer func() { err = errors.Join(err, stack.Down(context.WithoutCancel(ctx), os.Stdout)) }()
	}
	if err != nil {
		return err
	}
	b := &bench{Stack: fleetgate, opts: opts, told: time.Now(), tell: func(text string) { fmt.Println("──", text) }}
	nodes, err := simulator.Start(ctx, simulator.Options{
		Cluster: fleetgate.Cluster, Nodes: 10, Log: func(err error) { fmt.Fprintln(os.Stderr, "simulator:", err) },
	})
	if err != nil {
		return err
	}
	defer nodes.Stop()
	// What was measured before a run ended early is worth its page.
	failed := b.measure(ctx)
	if b.results.settled.at.IsZero() {
		return failed
	}
	if opts.out == "" {
		opts.out = filepath.Join(fleetgate.Root, "docs", "benchmarks", "fleet.md")
	}
	page := b.page(measure.Commit(context.WithoutCancel(ctx), "operator", "proxy", "bpf", "api", "go.mod", "config"))
	return errors.Join(failed, os.WriteFile(opts.out, []byte(page), 0o644))
}
