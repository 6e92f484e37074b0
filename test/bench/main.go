package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"syscall"
)

// options are what the flags say.
type options struct {
	runs, rounds, seconds, idle int
	proxy, out, only            string
	// sensor is set where it is its cost that is measured.
	sensor string
	// work is the folder with what was prepared. It is set in the namespaces
	// alone.
	work string
}

func main() {
	run, err := choose(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// choose finds what the arguments ask for: to measure, or to do a part of it for one
// that measures.
func choose(arguments []string) (func(context.Context) error, error) {
	if len(arguments) > 0 && arguments[0] == shakeCommand {
		return func(ctx context.Context) error { return shakeAll(ctx, arguments[1:]) }, nil
	}
	o, err := parse(arguments)
	run := outside
	if o.work != "" {
		run = inside
	}
	return func(ctx context.Context) error { return run(ctx, o) }, err
}

// parse reads the flags. What is wrong with them has been said when it returns
// an error.
func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.IntVar(&o.runs, "runs", 2, "how often everything is measured, once or twice; the second time shows what the first is worth")
	f.IntVar(&o.rounds, "rounds", 5, "interleaved rounds of each measurement")
	f.IntVar(&o.seconds, "seconds", 1, "seconds that one round takes for each proxy")
	f.IntVar(&o.idle, "idle", 3000, "idle connections in each of three steps whose memory is measured")
	f.StringVar(&o.only, "only", "", "regular expression of the workloads to run; the document is then not written")
	f.StringVar(&o.proxy, "proxy", "../../bin/fleetgate-proxy", "Fleetgate's proxy")
	f.StringVar(&o.sensor, "sensor", "", "Fleetgate's sensor: measures what it costs the proxy, and nothing else")
	f.StringVar(&o.out, "out", "../../docs/benchmarks/data-plane.md", "document to write; empty writes none")
	f.StringVar(&o.work, "work", "", "for the program's own use")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.runs < 1 || o.runs > 2 || o.rounds < 1 || o.seconds < 1 || o.idle < 1 || f.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "bench: -runs is 1 or 2, -rounds, -seconds and -idle are at least 1, and there are no arguments")
		return o, flag.ErrHelp
	}
	if _, err := regexp.Compile(o.only); err != nil {
		fmt.Fprintln(os.Stderr, "bench: -only:", err)
		return o, err
	}
	if o.only != "" {
		o.out = ""
	}
	return o, nil
}

// outside prepares what needs the machine's network and files, and goes on in
// namespaces.
func outside(ctx context.Context, o options) error {
	work, err := os.MkdirTemp("", "fleetgate-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	prepareAll := prepare
	if o.sensor != "" {
		prepareAll = prepareSensor
	}
	if err := prepareAll(ctx, work, o); err != nil {
		return err
	}
	return enter(ctx, work)
}

// inside measures and reports. It runs as the first process of its namespaces.
func inside(ctx context.Context, o options) error {
	facts, err := readFacts(o.work)
	if err != nil {
		return err
	}
	if facts.Congestion, err = furnish(o.work); err != nil {
		return err
	}
	if o.sensor != "" {
		b := &bench{options: o}
		rounds, err := b.sensorCost(ctx)
		if err != nil {
			return err
		}
		return reportSensor(o, facts, rounds)
	}
	needless := func(e engine) bool { return !o.needed(e) }
	var found []*findings
	for range o.runs {
		b := &bench{options: o, engines: slices.DeleteFunc(engines(facts.Prepared), needless)}
		f, err := b.measure(ctx)
		if err != nil {
			return err
		}
		found = append(found, f)
	}
	return report(o, facts, found)
}
