package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// report writes the document, and its tables to the terminal. The first run is the
// one that is told of.
func report(o options, f *facts, found []*findings) error {
	tables := tablesOf(o, f, found)
	fmt.Print("\n", tables)
	if o.out == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(o.out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(o.out, []byte(introductionOf(o, f)+tables), 0o644)
}

// tablesOf has the bars first, as they are what one looks for.
func tablesOf(o options, f *facts, runs []*findings) string {
	found := runs[0]
	tables := []table{barsTable(o, found)}
	if len(runs) > 1 {
		tables = append(tables, again{found, runs[1]}.table(o))
	}
	for _, w := range workloads() {
		if t := found.tableOf(w.name, w.name, w.columns); len(t.rows) > 0 {
			tables = append(tables, t)
		}
	}
	for _, w := range o.idleWorkloads() {
		title := fmt.Sprintf("Memory of an %s, from %d to %d", w.name, w.step, steps*w.step)
		if t := found.tableOf(w.name, title, memoryColumns); len(t.rows) > 0 {
			tables = append(tables, t)
		}
	}
	tables = append(tables, countedTable(found))
	profiles := profileTables(o, found)
	var out strings.Builder
	write := func(tables []table) {
		for _, t := range tables {
			out.WriteString("\n" + t.markdown())
		}
	}
	write(tables)
	out.WriteString(whyMissed(o, found))
	write(profiles)
	out.WriteString(absent(f, found))
	return strings.TrimPrefix(out.String(), "\n")
}

// barsTable has a row for each bar on a workload that was asked for.
func barsTable(o options, f *findings) table {
	t := table{title: "The bars", header: []string{"work", "bar", "measured", "verdict"}}
	for _, b := range bars() {
		if o.selected(b.workload) {
			t.rows = append(t.rows, f.judge(b).row())
		}
	}
	return t
}

// countedTable says what a request is made of, in each workload that has one.
func countedTable(f *findings) table {
	t := table{
		title:  "System calls, allocations and the kernel's share of CPU time, per request or GB",
		header: []string{"work", "engine", "system calls", "allocations", "in the kernel"},
	}
	for _, w := range workloads() {
		for _, name := range append([]string{nameFleetgate}, allPeers...) {
			samples := f.rounds[counted][w.name][name]
			if len(samples) == 0 {
				continue
			}
			allocated := "-"
			if name == nameFleetgate {
				allocated = fmt.Sprintf("%.2f", allocations.over(samples).median)
			}
			t.rows = append(t.rows, []string{
				w.name, name, fmt.Sprintf("%.2f", systemCalls.over(samples).median), allocated,
				fmt.Sprintf("%.0f %%", 100*kernelShare.over(samples).median),
			})
		}
	}
	return t
}

// profileTables explain the workloads that have a bar which was missed.
func profileTables(o options, f *findings) []table {
	var missed []string
	for _, b := range bars() {
		if o.selected(b.workload) && f.judge(b).missed() && !slices.Contains(missed, b.workload) {
			missed = append(missed, b.workload)
		}
	}
	var tables []table
	for _, name := range missed {
		lines := f.profiles[name]
		if len(lines) == 0 {
			continue
		}
		t := table{title: "Where Fleetgate's CPU time goes: " + name, header: []string{"share", "in", "function"}}
		for _, line := range lines {
			where := "proxy"
			if line.Kernel {
				where = "kernel"
			}
			t.rows = append(t.rows, []string{fmt.Sprintf("%.1f %%", 100*line.Share), where, line.Function})
		}
		tables = append(tables, t)
	}
	return tables
}

// absent lists what could not be measured.
func absent(f *facts, found *findings) string {
	all := slices.Concat(f.Missing, found.absent)
	if len(all) == 0 {
		return ""
	}
	return "\n## Not measured\n\n- " + strings.Join(all, "\n- ") + "\n"
}
