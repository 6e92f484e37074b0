package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/measure"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// options are what the flags say.
type options struct {
	only, out string
	down      bool
	// attached is the number of routes of the section of attached routes, probed
	// that of the propagation probe, and so on.
	attached, probed, changes, outages, crowd, sets int
	outage, pause, churn                            time.Duration
}

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "control:", err)
		stop()
		os.Exit(1)
	}
}

// parse reads the flags. What is wrong with them has been said when it returns
// an error.
func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("control", flag.ContinueOnError)
	f.StringVar(&o.only, "only", "", "sections to measure, with commas between; all without it")
	f.StringVar(&o.out, "out", "../docs/benchmarks/control-plane.md", "document to write; empty writes none")
	f.BoolVar(&o.down, "down", false, "end the cluster afterwards")
	f.IntVar(&o.attached, "attached", 1000, "attached: routes to create and delete")
	f.IntVar(&o.probed, "routes", 3000, "propagation: routes to create one after another")
	f.IntVar(&o.changes, "changes", 200, "change: route changes under load")
	f.DurationVar(&o.pause, "pause", 200*time.Millisecond, "change: time between two of them")
	f.IntVar(&o.outages, "outages", 5, "failover: outages of one endpoint")
	f.DurationVar(&o.outage, "outage", 22*time.Second, "failover: length of an outage, and of the time between two")
	f.IntVar(&o.crowd, "crowd", 5000, "churn: routes, each with a Service of its own")
	minutes := f.Float64("minutes", 1, "churn: minutes of churn")
	f.IntVar(&o.sets, "sets", 2500, "listenersets: ListenerSets, each with 16 routes")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.churn = time.Duration(*minutes * float64(time.Minute))
	if min(o.attached, o.probed, o.changes, o.outages, o.crowd, o.sets) < 1 || min(o.outage, o.pause, o.churn) <= 0 || f.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "control: all numbers and times are above zero, and there are no arguments")
		return o, flag.ErrHelp
	}
	for _, name := range o.names() {
		if !slices.ContainsFunc(sections(), func(s section) bool { return s.name == name }) {
			fmt.Fprintf(os.Stderr, "control: there is no section %q\n", name)
			return o, flag.ErrHelp
		}
	}
	return o, nil
}

// names are the sections that were asked for, and none for all.
func (o options) names() []string {
	return strings.FieldsFunc(o.only, func(r rune) bool { return r == ',' })
}

// run measures the selected sections, and writes the document after each, so
// that one that fails takes nothing from the others.
func run(ctx context.Context, o options) (err error) {
	if o.down {
		defer func() {
			// What was interrupted is to be taken down all the same.
			if e := stack.Down(context.WithoutCancel(ctx), os.Stdout); err == nil {
				err = e
			}
		}()
	}
	s, err := stack.Up(ctx, os.Stdout)
	if err != nil {
		return err
	}
	b := &bench{Stack: s, options: o, commit: measure.Commit(ctx, "operator", "proxy", "api", "go.mod"), machine: measure.ThisMachine()}
	for _, section := range sections() {
		if names := o.names(); len(names) > 0 && !slices.Contains(names, section.name) {
			continue
		}
		if err := b.measure(ctx, section); err != nil {
			return fmt.Errorf("%s: %w", section.name, err)
		}
	}
	return nil
}
