package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/procfs"

	"github.com/fleetgate/fleetgate/test/internal/measure"
)

// mostTold is how many programs the page tells of.
const mostTold = 10

// share is what a program has taken of the machine: all processes of one name.
type share struct {
	program string
	cpu     time.Duration
}

// programs are the CPU times of what runs on the machine, by the names of programs. A
// process has its children's as soon as these have ended, such as kube-proxy that of nft.
func programs() (map[string]time.Duration, error) {
	const ticks = 100 // a second, of the times in /proc
	all, err := procfs.AllProcs()
	if err != nil {
		return nil, fmt.Errorf("reading the machine's processes: %w", err)
	}
	taken := make(map[string]time.Duration)
	for _, p := range all {
		// A process may have ended meanwhile.
		if stat, err := p.Stat(); err == nil {
			total := int64(stat.UTime) + int64(stat.STime) + int64(stat.CUTime) + int64(stat.CSTime)
			taken[stat.Comm] += time.Duration(total) * time.Second / ticks
		}
	}
	return taken, nil
}

// shares are what the programs took between two moments, the largest first. A program of
// which a process has ended may seem to have taken less than nothing, and is left out.
func shares(before, after map[string]time.Duration) []share {
	var all []share
	for program, cpu := range after {
		if took := cpu - before[program]; took >= time.Second {
			all = append(all, share{program, took})
		}
	}
	slices.SortFunc(all, func(a, b share) int {
		return cmp.Or(cmp.Compare(b.cpu, a.cpu), cmp.Compare(a.program, b.program))
	})
	return all[:min(len(all), mostTold)]
}

// machineTable tells of shares in a span of time.
func machineTable(all []share, took time.Duration) string {
	rows := make([][]string, len(all))
	for i, s := range all {
		rows[i] = []string{s.program, number(s.cpu.Seconds()) + " s", fmt.Sprintf("%.2f", s.cpu.Seconds()/took.Seconds())}
	}
	return measure.Table([]string{"program", "CPU time", "cores"}, rows)
}
