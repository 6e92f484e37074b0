package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"
)

// sensorIntroduction explains the tables. Its arguments are date, commit, CPU,
// cores, kernel, versions, Go's version, flags, milliseconds of a turn, rounds, seconds.
const sensorIntroduction = `# What the sensor costs the proxy

Measured on %s at commit %s, on %s with %d cores, Linux %s.
%s; all Go programs with %s.

    make bench-sensor ARGS="%s"

Four proxies run side by side on CPU 1, each in a cgroup of its own, from a copy of the program and with a load of its own: one is
attached to by uprobe, one counts in shared memory, and two have no sensor. With a sensor its programs for connections are
attached as well. A load is wrk on CPU 0 with 64 connections that ask for 1 KiB, as fast as they are answered. All loads but
one are stopped: the proxies take turns of %d ms, so that what slows the machine down for longer meets all alike. %d rounds of
%d s were made. Each starts everything afresh, and the proxies change places from one to the next.

A difference is that to the mean of the two without a sensor in its round; that between these two is the noise (A/A), which
nothing smaller can be told from. Beside the mean over the rounds stands its standard error, and then the median. CPU time is
the scheduler's, for all of a proxy's threads, and requests are those that the backend has answered. A round counts only if
the sensors have counted at least as many of theirs.

The last three rows are of loops between the turns. A bare system call is getppid. The kernel replaces the probe's nop by a call
that enters it like any other, once for up to four requests that end together: what that takes on a machine, no probe can
save. A request counted in shared memory is what the proxy does more for each where it counts so; those that end alike in one
turn share what they can. The bar is near what can be told from the load's noise, and the loops say what the counting itself takes.

The second table says under what circumstances: a proxy that sleeps more often has fewer events to handle each time, and pays
more for each, with a sensor or without.

`

// Bars on what a request costs, in microseconds.
var sensorBars = map[string]float64{uprobe: 0.5, shared: 0.1}

// estimate is the mean of some values with its standard error.
type estimate struct{ mean, err float64 }

// estimateOf needs at least one value. Of a single one nothing is known of how far
// it is off.
func estimateOf(values []float64) estimate {
	n := float64(len(values))
	var sum, squares float64
	for _, v := range values {
		sum += v
	}
	mean := sum / n
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return estimate{mean, math.Sqrt(squares / (n - 1) / n)}
}

func (e estimate) text(digits int) string {
	return fmt.Sprintf("%.*f ± %.*f", digits, e.mean, digits, e.err)
}

// verdict says whether a cost is within its bar. What the noise hides is not
// decided.
func (e estimate) verdict(bar float64) string {
	switch {
	case e.mean+2*e.err <= bar:
		return "met"
	case e.mean-2*e.err > bar:
		return "missed"
	}
	return "within the noise"
}

// reportSensor writes the document, and its tables to the terminal.
func reportSensor(o options, f *facts, rounds []round) error {
	tables := costTable(rounds).markdown() + "\n" + circumstanceTable(rounds).markdown() + "\n" + sensorTable(rounds).markdown()
	fmt.Print("\n", tables)
	if o.out == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(o.out), 0o755); err != nil {
		return err
	}
	flags := fmt.Sprintf("-rounds %d -seconds %d", o.rounds, o.seconds)
	introduction := fmt.Sprintf(sensorIntroduction, f.Date.Format("2006-01-02 15:04 MST"), f.Commit, f.CPU, f.Cores, f.Kernel,
		f.Versions[0], f.Go, flags, turnTime.Milliseconds(), o.rounds, o.seconds)
	return os.WriteFile(o.out, []byte(introduction+tables), 0o644)
}

// each takes a number of all rounds.
func each(rounds []round, of func(round) float64) []float64 {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		values[i] = of(r)
	}
	return values
}

func without(r round) float64 { return (r.first.cpu + r.second.cpu) / 2 }

// costTable compares the proxy with and without a sensor.
func costTable(rounds []round) table {
	t := table{
		title:  "CPU time of the proxy per request",
		header: []string{"sensor", "CPU µs per request", "more, µs", "median", "more", "bar, µs", "verdict"},
	}
	base := estimateOf(each(rounds, without))
	t.rows = append(t.rows, []string{"none", spreadOf(each(rounds, without)).text(2), "-", "-", "-", "-", "-"})
	row := func(name, bar string, cpu, more func(round) float64) {
		e, middle := estimateOf(each(rounds, more)), spreadOf(each(rounds, more)).median
		verdict, limit := "-", "-"
		if most, ok := sensorBars[bar]; ok {
			verdict, limit = e.verdict(most), fmt.Sprintf("%.1f", most)
		}
		t.rows = append(t.rows, []string{
			name, spreadOf(each(rounds, cpu)).text(2), e.text(3), fmt.Sprintf("%.3f", middle), fmt.Sprintf("%.1f %%", 100*e.mean/base.mean), limit, verdict,
		})
	}
	row("none, a second time (A/A)", "", func(r round) float64 { return r.second.cpu },
		func(r round) float64 { return r.second.cpu - r.first.cpu })
	last := rounds[len(rounds)-1]
	row(last.uprobe.mode, uprobe, func(r round) float64 { return r.uprobe.cpu },
		func(r round) float64 { return r.uprobe.cpu - without(r) })
	row(last.shared.mode, shared, func(r round) float64 { return r.shared.cpu },
		func(r round) float64 { return r.shared.cpu - without(r) })
	loop := func(name string, digits int, of func(loops) time.Duration) {
		spread := spreadOf(each(rounds, func(r round) float64 { return of(r.loops).Seconds() * 1e6 }))
		t.rows = append(t.rows, []string{name, spread.text(digits), "-", "-", "-", "-", "-"})
	}
	loop("a bare system call", 2, func(l loops) time.Duration { return l.call })
	loop("a request counted in shared memory", 3, func(l loops) time.Duration { return l.record })
	loop(fmt.Sprintf("the same, %d that end alike in one turn", recordsTogether), 3, func(l loops) time.Duration { return l.together })
	return t
}

// circumstanceTable says what else was different.
func circumstanceTable(rounds []round) table {
	t := table{
		title:  "Under what circumstances",
		header: []string{"sensor", "requests per second", "sleeps of the proxy per 1,000 requests"},
	}
	last := rounds[len(rounds)-1]
	for _, s := range []struct {
		name string
		of   func(round) slice
	}{
		{"none", func(r round) slice { return r.first }},
		{"none, a second time", func(r round) slice { return r.second }},
		{last.uprobe.mode, func(r round) slice { return r.uprobe }},
		{last.shared.mode, func(r round) slice { return r.shared }},
	} {
		figure := func(digits int, of func(slice) float64) string {
			return spreadOf(each(rounds, func(r round) float64 { return of(s.of(r)) })).text(digits)
		}
		t.rows = append(t.rows, []string{
			s.name,
			figure(0, func(s slice) float64 { return s.rate }),
			figure(1, func(s slice) float64 { return s.sleeps }),
		})
	}
	return t
}

// sensorTable says what the sensor itself takes, at the end of rounds.
func sensorTable(rounds []round) table {
	t := table{title: "The sensor itself", header: []string{"sensor", "anonymous memory, MiB", "CPU ms of a scrape"}}
	last := rounds[len(rounds)-1]
	for _, s := range []struct {
		name string
		of   func(round) slice
	}{
		{last.uprobe.mode, func(r round) slice { return r.uprobe }},
		{last.shared.mode, func(r round) slice { return r.shared }},
	} {
		t.rows = append(t.rows, []string{
			s.name,
			spreadOf(each(rounds, func(r round) float64 { return s.of(r).memory / (1 << 20) })).text(1),
			spreadOf(each(rounds, func(r round) float64 { return s.of(r).scrape.Seconds() * 1000 })).text(2),
		})
	}
	return t
}
