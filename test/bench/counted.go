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
	// countedWarm is short, as other rounds have warmed the proxy.
	countedWarm = 200 * time.Millisecond
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
		if e.name != nameFleetgate || !hasBar(w.name, systemCalls) {
			if err := b.countOne(ctx, e, b.running[i], w, f); err != nil {
				return err
			}
			continue
		}
		for range countedRounds {
			if err := b.renew(ctx, i, w); err != nil {
				return err
			}
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
	l := b.lane(e, p, w)
	defer l.stopLoad()
	of := lengthOf(e, w)
	if err := l.startLoad(ctx, b.loadLog(l), of.seconds(), countedWarm); err != nil {
		return sample{}, nil, err
	}
	c, err := perf.CountSystemCalls(filepath.Join(b.work, tracing), l.pids)
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
	s, err := l.tallied(ctx, c, of, b.idleness)
	if err != nil {
		return sample{}, nil, err
	}
	samples := slices.DeleteFunc(sampler.Samples(), func(s perf.Sample) bool { return !slices.Contains(l.pids, s.PID) })
	s.kernel = kernelPart(samples)
	return s, samples, nil
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
