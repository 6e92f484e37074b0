package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// table is a heading with rows of equally many cells.
type table struct {
	title  string
	header []string
	rows   [][]string
}

// markdown aligns the columns, so that the source reads as well as the page.
// The same text goes to the terminal.
func (t table) markdown() string {
	widths := make([]int, len(t.header))
	for _, row := range append([][]string{t.header}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	rule := make([]string, len(widths))
	for i, width := range widths {
		rule[i] = strings.Repeat("-", width)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "## %s\n\n", t.title)
	for _, row := range append([][]string{t.header, rule}, t.rows...) {
		for i, cell := range row {
			fmt.Fprintf(&out, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		out.WriteString("|\n")
	}
	return out.String()
}

// workloadTable has a row for each engine that ran, the cheapest first.
func workloadTable(w workload, r results) table {
	t := table{
		title:  w.name,
		header: []string{"engine", "CPU µs per request", "to nginx", "to HAProxy", "requests/s", "p50 µs", "p99 µs", "p99.9 µs", "errors"},
	}
	all := r[w.name]
	for _, name := range ranked(all) {
		samples := all[name]
		errors := 0
		for _, s := range samples {
			errors += s.errors
		}
		median := func(figure func(sample) float64) string { return fmt.Sprintf("%.0f", of(samples, figure).median) }
		t.rows = append(t.rows, []string{
			name,
			of(samples, sample.cpuTime).text(1),
			ratioText(samples, all[nameNginx]), ratioText(samples, all[nameHAProxy]),
			median(func(s sample) float64 { return s.rate }),
			median(func(s sample) float64 { return s.p50 }),
			median(func(s sample) float64 { return s.p99 }),
			median(func(s sample) float64 { return s.p999 }),
			fmt.Sprint(errors),
		})
	}
	return t
}

// memoryTable has a row for each engine, the smallest first.
func memoryTable(idle int, r results) table {
	t := table{
		title:  fmt.Sprintf("Memory of an idle connection, of %d", idle),
		header: []string{"engine", "bytes", "to nginx", "to HAProxy"},
	}
	all := r[idleMemory]
	for _, name := range ranked(all) {
		t.rows = append(t.rows, []string{
			name, of(all[name], sample.cpuTime).text(0),
			ratioText(all[name], all[nameNginx]), ratioText(all[name], all[nameHAProxy]),
		})
	}
	return t
}

// barsTable has a row for each bar whose engines ran.
func barsTable(r results) table {
	t := table{title: "The bars", header: []string{"work", "bar", "measured", "verdict"}}
	for _, b := range bars() {
		if j, ok := judge(b, r); ok {
			t.rows = append(t.rows, j.row())
		}
	}
	return t
}

func (s sample) cpuTime() float64 { return s.cpu }

// ranked are the engines by their median.
func ranked(all map[string][]sample) []string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := of(all[a], sample.cpuTime).median, of(all[b], sample.cpuTime).median
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

// ratioText is the median of the ratios to a peer, if that ran.
func ratioText(a, b []sample) string {
	if len(b) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", cpuRatio(a, b).median)
}
