package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/fleetgate/fleetgate/test/bench/perf"
)

const (
	// countedSeconds is how long a counted round takes, and countedRounds how many are
	// made of figures with a bar. The others need no repetition.
	countedSeconds, countedRounds = 1, 3
	// barredSeconds is by how much longer a round takes for a figure with a bar.
	// Go's runtime counts objects a memory span at a time, so that some thousand of
	// them are noise, which the requests of that time make small.
	barredSeconds = 20
	// sampleFrequency is no divisor of what else happens regularly.
	sampleFrequency = 997
	// profileLines are as many as explain most of the CPU time.
	profileLines = 25
	// tracing is where tracefs is mounted, below the folder with what was prepared.
	tracing = "tracing"
)

// count loads engines once more with counters attached, which costs them a
// little. What it finds explains the rounds before; that it cannot be had is
// noted and no error.
func (b *bench) count(ctx context.Context, w workload, f *findings) error {
	for i, e := range b.engines {
		if !w.asks(e) || b.refused[e.name] {
			continue
		}
		rounds := 1
		if e.name == nameFleetgate && hasBar(w.name, systemCalls) {
			rounds = countedRounds
		}
		for range rounds {
			if err := b.countOne(ctx, e, b.running[i], w, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// countOne makes one counted round of an engine.
func (b *bench) countOne(ctx context.Context, e engine, p *process, w workload, f *findings) error {
	s, samples, err := b.counted(ctx, e, p, w)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		f.absent = append(f.absent, fmt.Sprintf("what %s does in %q: %s", e.name, w.name, firstLine(err.Error())))
		return nil
	}
	f.rounds[counted].add(w.name, e.name, s)
	if e.name == nameFleetgate {
		f.profiles[w.name], err = b.profile(samples)
	}
	return err
}

// counted is one round with counters, and where the process was meanwhile.
func (b *bench) counted(ctx context.Context, e engine, p *process, w workload) (sample, []perf.Sample, error) {
	pids, err := family(p.pid())
	if err != nil {
		return sample{}, nil, err
	}
	c, err := perf.CountSystemCalls(filepath.Join(b.work, tracing), pids)
	if err != nil {
		return sample{}, nil, err
	}
	defer c.Close()
	cpu, err := strconv.Atoi(proxyCPU)
	if err != nil {
		return sample{}, nil, err
	}
	sampler, err := perf.NewSampler(cpu, sampleFrequency)
	if err != nil {
		return sample{}, nil, err
	}
	defer sampler.Close()
	l, calls, mallocs, err := b.between(ctx, e, c, w)
	if err != nil {
		return sample{}, nil, err
	}
	s := l.sample(0)
	s.systemCalls, s.allocations = float64(calls)/l.units(), mallocs
	samples := slices.DeleteFunc(sampler.Samples(), func(s perf.Sample) bool { return !slices.Contains(pids, s.PID) })
	s.kernel = kernelPart(samples)
	return s, samples, nil
}

// between loads an engine and returns the system calls that it made meanwhile
// and, for Fleetgate, how many objects it allocates for each unit of work.
func (b *bench) between(ctx context.Context, e engine, c *perf.SystemCalls, w workload) (l loaded, calls uint64, mallocs float64, err error) {
	if e.name == nameFleetgate {
		if mallocs, err = b.allocated(ctx, e, w); err != nil {
			return l, 0, 0, err
		}
	}
	before, err := c.Read()
	if err != nil {
		return l, 0, 0, err
	}
	if l, err = w.load.loads(ctx, b.target(e, w), countedSeconds, w); err != nil {
		return l, 0, 0, err
	}
	after, err := c.Read()
	return l, after - before, mallocs, err
}

// allocated is how many objects a unit of work takes, and nothing else does: what
// more seconds of it allocate, but for what as many of idleness do.
// Scrapes and connections allocate the same in a short round and in a long one.
func (b *bench) allocated(ctx context.Context, e engine, w workload) (perUnit float64, err error) {
	more := countedSeconds
	if hasBar(w.name, allocations) {
		more = barredSeconds
	}
	objects, units, err := allocatedMore(ctx, more, func(seconds int) (float64, error) {
		l, err := w.load.loads(ctx, b.target(e, w), seconds, w)
		return l.units(), err
	})
	if err != nil {
		return 0, err
	}
	idle, _, err := allocatedMore(ctx, more, func(seconds int) (float64, error) { return 0, wait(ctx, time.Duration(seconds)*time.Second) })
	return max(0, objects-idle) / max(1, units), err
}

// allocatedMore is by how many objects a round that is some seconds longer exceeds
// one, and by how many units.
func allocatedMore(ctx context.Context, more int, round func(seconds int) (units float64, err error)) (objects, units float64, err error) {
	var took, did [2]float64
	for i := range took {
		before, err := metrics(ctx, allocatedObjects)
		if err != nil {
			return 0, 0, err
		}
		if did[i], err = round(countedSeconds + i*more); err != nil {
			return 0, 0, err
		}
		after, err := metrics(ctx, allocatedObjects)
		if err != nil {
			return 0, 0, err
		}
		took[i] = after - before
	}
	return took[1] - took[0], did[1] - did[0], nil
}

// wait returns after some time, or at the end of the context with its error.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// kernelPart is the share of samples that lie in the kernel.
func kernelPart(samples []perf.Sample) float64 {
	n := 0
	for _, s := range samples {
		if s.Kernel {
			n++
		}
	}
	return float64(n) / float64(max(1, len(samples)))
}

// profileLine is one function with its share of the CPU time.
type profileLine struct {
	Function string
	Share    float64
	Kernel   bool
}

// profile names where Fleetgate's samples lie.
func (b *bench) profile(samples []perf.Sample) ([]profileLine, error) {
	if b.symbols == nil {
		own, err := perf.ReadBinary(filepath.Join(b.work, proxyFile))
		if err != nil {
			return nil, err
		}
		kernel, err := perf.ReadKernel()
		if err != nil {
			return nil, err
		}
		b.symbols = map[bool]*perf.Symbols{false: own, true: kernel}
	}
	return profileOf(samples, func(s perf.Sample) string { return b.symbols[s.Kernel].Name(s.Address) }), nil
}

// profileOf has the functions that were met most often first.
func profileOf(samples []perf.Sample, name func(perf.Sample) string) []profileLine {
	type function struct {
		name   string
		kernel bool
	}
	met := map[function]int{}
	for _, s := range samples {
		met[function{name(s), s.Kernel}]++
	}
	var lines []profileLine
	for f, n := range met {
		lines = append(lines, profileLine{f.name, float64(n) / float64(len(samples)), f.kernel})
	}
	slices.SortFunc(lines, func(a, b profileLine) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Function, b.Function))
	})
	return lines[:min(len(lines), profileLines)]
}
