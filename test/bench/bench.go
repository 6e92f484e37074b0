package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"github.com/fleetgate/fleetgate/test/bench/perf"
)

// bench runs the workloads.
type bench struct {
	options
	engines []engine
	// running has a process for each engine, in their order.
	running  []*process
	backends backends
	// refused are the engines that gave no right answer in the workload that is
	// being measured.
	refused map[string]bool
	// idleness is Fleetgate's.
	idleness idleness
	// symbols are Fleetgate's, and under true the kernel's; nil until they are
	// needed.
	symbols map[bool]*perf.Symbols
}

// selected says whether the flags ask for a workload.
func (o options) selected(name string) bool {
	return o.only == "" || regexp.MustCompile(o.only).MatchString(name)
}

// needed says whether one of the selected workloads is for an engine.
func (o options) needed(e engine) bool {
	for _, w := range workloads() {
		if o.selected(w.name) && w.asks(e) {
			return true
		}
	}
	for _, w := range o.idleWorkloads() {
		if o.selected(w.name) && w.asks(e) {
			return true
		}
	}
	return false
}

// measure runs everything. All that it has started has ended when it returns.
func (b *bench) measure(ctx context.Context) (*findings, error) {
	f := newFindings()
	var err error
	b.backends, err = startBackends(ctx, b.work)
	defer b.backends.stop()
	if err != nil {
		return nil, err
	}
	if err := b.loads(ctx, f); err != nil {
		return nil, err
	}
	return f, b.memory(ctx, f)
}

// stopAll stops processes at the same time, as some drain first.
func stopAll(processes []*process) {
	var stopping sync.WaitGroup
	for _, p := range processes {
		stopping.Go(p.stop)
	}
	stopping.Wait()
}

// loads runs the workloads against engines that stay up all the while, but for those
// that a round starts afresh.
func (b *bench) loads(ctx context.Context, f *findings) error {
	defer func() { stopAll(b.running) }()
	for _, e := range b.engines {
		p, err := b.startEngine(ctx, e)
		if err != nil {
			return err
		}
		b.running = append(b.running, p)
	}
	if err := b.watch(ctx); err != nil {
		return err
	}
	for _, w := range workloads() {
		if !b.selected(w.name) {
			continue
		}
		if err := b.workload(ctx, w, f); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

func (b *bench) startEngine(ctx context.Context, e engine) (*process, error) {
	command, err := e.command(siteOf(b.work, e))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	return start(ctx, proxyCPU, plain.port(e.number), filepath.Join(b.work, fmt.Sprintf("engine-%d.log", e.number)), command...)
}

func (b *bench) target(e engine, w workload) target {
	return target{work: b.work, front: w.front, engine: e.name, port: w.front.port(e.number)}
}

// workload measures the engines that answer right in rounds of each kind.
func (b *bench) workload(ctx context.Context, w workload, f *findings) error {
	if w.spinner {
		spinner, err := start(ctx, proxyCPU, 0, filepath.Join(b.work, "spinner.log"),
			"nice", "-n", "19", "sh", "-c", "while :; do :; done")
		if err != nil {
			return err
		}
		defer spinner.stop()
	}
	if err := b.findOut(ctx, w, f); err != nil {
		return err
	}
	if w.takesTurns() {
		if err := b.turns(ctx, w, f); err != nil {
			return err
		}
	}
	if err := b.steady(ctx, w, f); err != nil || w.spinner {
		return err
	}
	return b.count(ctx, w, f)
}

// steady loads one engine after the other.
func (b *bench) steady(ctx context.Context, w workload, f *findings) error {
	for round := range w.steadyRounds(b.rounds) {
		for _, i := range b.taking(w, round) {
			e := b.engines[i]
			s, err := b.steadyRound(ctx, i, w)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				b.refuse(e.name, w.name, f, err)
				continue
			}
			f.rounds[steady].add(w.name, e.name, s)
			fmt.Printf("%s, round %d: %s %s\n", w.name, round+1, e.name, w.brief(s))
		}
	}
	return nil
}

// steadyRound loads the engine at a place, which is started afresh where no turns are taken.
func (b *bench) steadyRound(ctx context.Context, place int, w workload) (sample, error) {
	if !w.takesTurns() {
		if err := b.renew(ctx, place, w); err != nil {
			return sample{}, err
		}
	}
	return b.sample(ctx, b.engines[place], b.running[place], w)
}

// renew starts the engine at a place afresh, and loads it for a second to warm it up.
func (b *bench) renew(ctx context.Context, place int, w workload) error {
	b.running[place].stop()
	if err := b.startAgain(ctx, place, w); err != nil {
		return err
	}
	_, err := w.load.loads(ctx, b.target(b.engines[place], w), 1, w)
	return err
}

// taking are the places of the engines that take part in a workload, in the order of a
// round: another one is the first in each.
func (b *bench) taking(w workload, round int) []int {
	var all []int
	for i, e := range b.engines {
		if w.asks(e) && !b.refused[e.name] {
			all = append(all, i)
		}
	}
	n := round % max(1, len(all))
	return slices.Concat(all[n:], all[:n])
}

// startAgain starts the engine at a place whose process has ended, and returns when it
// answers right. What a process has by chance, such as where its memory lies, it has for
// life: rounds whose engines are started afresh show that as noise.
func (b *bench) startAgain(ctx context.Context, place int, w workload) error {
	e := b.engines[place]
	p, err := b.startEngine(ctx, e)
	if err != nil {
		return err
	}
	b.running[place] = p
	t := b.target(e, w)
	if err := p.ready(ctx, t.port); err != nil {
		return err
	}
	return w.probe(ctx, t)
}

// findOut asks all engines. Who does not give the right answer is left out of the
// workload, and noted.
func (b *bench) findOut(ctx context.Context, w workload, f *findings) error {
	b.refused = map[string]bool{}
	for _, e := range b.engines {
		if !w.asks(e) {
			continue
		}
		err := w.probe(ctx, b.target(e, w))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			b.refuse(e.name, w.name, f, err)
		}
	}
	return nil
}

// refuse leaves an engine out of a workload, with all that it did in it.
func (b *bench) refuse(engine, workload string, f *findings, reason error) {
	b.refused[engine] = true
	f.forget(workload, engine)
	f.absent = append(f.absent, fmt.Sprintf("%s in %q: %s", engine, workload, firstLine(reason.Error())))
	fmt.Printf("%s: without %s: %v\n", workload, engine, reason)
}

// brief tells of a steady round on the terminal.
func (w workload) brief(s sample) string {
	if w.front == stream {
		return fmt.Sprintf("%.2f GB/s", s.rate)
	}
	return fmt.Sprintf("p50 %.0f, p99 %.0f, p99.9 %.0f µs, %.0f requests/s, %.1f µs of CPU per request", s.p50, s.p99, s.p999, s.rate, s.cpu)
}

// sample loads one engine and reads what that cost it.
func (b *bench) sample(ctx context.Context, e engine, p *process, w workload) (sample, error) {
	pids, err := family(p.pid())
	if err != nil {
		return sample{}, err
	}
	before, err := cpuTime(pids...)
	if err != nil {
		return sample{}, err
	}
	l, err := w.load.loads(ctx, b.target(e, w), w.seconds(b.seconds), w)
	if err != nil {
		return sample{}, err
	}
	after, err := cpuTime(pids...)
	if err != nil {
		return sample{}, err
	}
	return l.sample(after - before), nil
}
