package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"
)

// backendPort is where the backend listens. It and the engines' ports lie below
// those that outgoing connections take.
const backendPort = 8800

// bench runs the workloads.
type bench struct {
	options
	engines []engine
	// running has a process for each engine, in their order.
	running []*process
}

// sample is what one round says of one engine. Latencies are in microseconds.
type sample struct {
	cpu, rate, p50, p99, p999 float64
	errors                    int
}

// results has the samples of all rounds by workload and engine, and for
// idleMemory the bytes per connection as cpu.
type results map[string]map[string][]sample

func (r results) add(workload, engine string, s sample) {
	if r[workload] == nil {
		r[workload] = map[string][]sample{}
	}
	r[workload][engine] = append(r[workload][engine], s)
}

// measure runs everything. All that it has started has ended when it returns.
func (b *bench) measure(ctx context.Context) (results, error) {
	backend, err := start(ctx, loadCPU, backendPort, filepath.Join(b.work, "backend.log"),
		filepath.Join(b.work, "backend"), fmt.Sprint(backendPort))
	if err != nil {
		return nil, err
	}
	defer backend.stop()
	r := results{}
	if err := b.loads(ctx, r); err != nil {
		return nil, err
	}
	return r, b.memory(ctx, r)
}

// loads runs the workloads against engines that stay up all the while.
func (b *bench) loads(ctx context.Context, r results) error {
	defer b.stopEngines()
	for _, e := range b.engines {
		p, err := b.startEngine(ctx, e)
		if err != nil {
			return err
		}
		b.running = append(b.running, p)
	}
	for _, w := range workloads() {
		if err := b.workload(ctx, w, r); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

func (b *bench) startEngine(ctx context.Context, e engine) (*process, error) {
	command, err := e.command()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	return start(ctx, proxyCPU, e.port, filepath.Join(b.work, fmt.Sprintf("engine-%d.log", e.port)), command...)
}

func (b *bench) stopEngines() {
	for _, p := range b.running {
		p.stop()
	}
	b.running = nil
}

// workload warms all engines up and then measures them in turn, round by round.
func (b *bench) workload(ctx context.Context, w workload, r results) error {
	if w.spinner {
		spinner, err := start(ctx, proxyCPU, 0, filepath.Join(b.work, "spinner.log"),
			"nice", "-n", "19", "sh", "-c", "while :; do :; done")
		if err != nil {
			return err
		}
		defer spinner.stop()
	}
	for _, e := range b.engines {
		if err := probe(ctx, e, w); err != nil {
			return err
		}
		if _, err := load(ctx, b.work, e.port, 1, w); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	for round := range b.rounds {
		for i, e := range b.engines {
			s, err := b.sample(ctx, e, b.running[i], w)
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			r.add(w.name, e.name, s)
			fmt.Printf("%s, round %d: %s %.1f µs of CPU per request, %.0f requests/s\n", w.name, round+1, e.name, s.cpu, s.rate)
		}
	}
	return nil
}

// sample loads one engine and reads what that cost it.
func (b *bench) sample(ctx context.Context, e engine, p *process, w workload) (sample, error) {
	before, err := cpuTime(p.pid())
	if err != nil {
		return sample{}, err
	}
	l, err := load(ctx, b.work, e.port, b.seconds, w)
	if err != nil {
		return sample{}, err
	}
	after, err := cpuTime(p.pid())
	if err != nil {
		return sample{}, err
	}
	return sample{
		cpu:  float64(after-before) / float64(time.Microsecond) / float64(l.requests),
		rate: float64(l.requests) / l.duration.Seconds(),
		p50:  l.p50, p99: l.p99, p999: l.p999,
		errors: l.errors,
	}, nil
}

// probe makes sure that an engine gives the right answer before it is measured.
func probe(ctx context.Context, e engine, w workload) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address(e.port)+w.path, nil)
	if err != nil {
		return err
	}
	request.Host = host
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || n != int64(w.bytes) {
		return fmt.Errorf("%s answers %s with %d bytes, not %d: %w", e.name, answer.Status, n, w.bytes, err)
	}
	return nil
}
