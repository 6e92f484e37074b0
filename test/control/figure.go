package main

import (
	"fmt"
	"time"
)

// figure is one row of a section's table.
type figure struct {
	what  string
	value float64
	// show writes a value with its unit.
	show func(float64) string
	// most is the greatest value that meets the bar, and goal the one that was aimed at,
	// where that is less; nil for a figure without one.
	most, goal *float64
	// peers are the published figures, in the order of peerNames.
	peers [4]string
}

// peerNames are the columns of published figures.
var peerNames = [4]string{"agentgateway", "Istio", "Envoy Gateway", "NGF"}

// atMost gives a figure its bar.
func (f figure) atMost(most float64) figure {
	f.most = &most
	return f
}

// fewCores is a machine on which all that is measured, and what measures, get in each
// other's way.
const fewCores = 2

// aimAt gives a figure a goal, which is its bar where there are more than a few cores, and
// else the greatest value that meets the bar there.
func (f figure) aimAt(goal, onFewCores float64, cores int) figure {
	if cores > fewCores {
		return f.atMost(goal)
	}
	f.goal = &goal
	return f.atMost(onFewCores)
}

// beside gives a figure what the peers have published.
func (f figure) beside(peers ...string) figure {
	copy(f.peers[:], peers)
	return f
}

// cells are the row.
func (f figure) cells() []string {
	bar, verdict := "", ""
	if f.most != nil {
		bar, verdict = "≤ "+f.show(*f.most), "met"
		if f.value > *f.most {
			verdict = "missed"
		}
		if *f.most == 0 {
			bar = f.show(0)
		}
	}
	if f.goal != nil {
		bar += ", goal " + f.show(*f.goal)
		if verdict == "met" && f.value > *f.goal {
			verdict = "met, not the goal"
		}
	}
	return append([]string{f.what, bar, f.show(f.value), verdict}, f.peers[:]...)
}

func count(what string, n int) figure {
	return figure{what: what, value: float64(n), show: func(v float64) string { return fmt.Sprintf("%.0f", v) }}
}

func millis(what string, d time.Duration) figure {
	return figure{what: what, value: d.Seconds() * 1000, show: func(v float64) string { return fmt.Sprintf("%.4g ms", v) }}
}

func seconds(what string, d time.Duration) figure {
	return figure{what: what, value: d.Seconds(), show: func(v float64) string { return fmt.Sprintf("%.3g s", v) }}
}

func mebibytes(what string, bytes uint64) figure {
	return figure{what: what, value: float64(bytes) / (1 << 20), show: func(v float64) string { return fmt.Sprintf("%.1f MiB", v) }}
}

func cores(what string, cpu, elapsed time.Duration) figure {
	return figure{what: what, value: cpu.Seconds() / elapsed.Seconds(), show: func(v float64) string { return fmt.Sprintf("%.3f cores", v) }}
}

func rate(what string, bytes float64, elapsed time.Duration) figure {
	return figure{what: what, value: bytes / elapsed.Seconds() / 1000, show: func(v float64) string { return fmt.Sprintf("%.0f kB/s", v) }}
}
