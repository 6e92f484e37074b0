package main

import (
	"cmp"
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

// column is one column of a workload's table, beside the engine's name.
type column struct {
	title string
	figure
	// peer makes it the ratio to that engine.
	peer string
	// spread shows the least and the greatest value too.
	spread bool
	// sum adds the rounds up.
	sum bool
}

// The columns of tables; the first says what engines are ranked by.
var (
	cpuColumns = []column{
		{title: "CPU µs per request", figure: cpuPerRequest, spread: true},
		{title: "to nginx", figure: cpuPerRequest, peer: nameNginx},
		{title: "to HAProxy", figure: cpuPerRequest, peer: nameHAProxy},
	}
	errorColumn    = column{title: "errors", figure: figure{of: func(s sample) float64 { return float64(s.errors) }}, sum: true}
	rateColumn     = column{title: "requests/s", figure: requestRate}
	latencyColumns = []column{{title: "p50 µs", figure: median}, {title: "p99 µs", figure: p99}, {title: "p99.9 µs", figure: p999}}
	requestColumns = slices.Concat(cpuColumns, []column{rateColumn}, latencyColumns, []column{errorColumn})
	tailColumns    = []column{
		{title: "p50 µs", figure: median, spread: true},
		{title: "p99 µs", figure: p99, spread: true},
		{title: "p99.9 µs", figure: p999, spread: true},
		{title: "p99 to nginx", figure: p99, peer: nameNginx},
		{title: "CPU µs per request", figure: pacedCPU},
		rateColumn,
		{title: "sent late, p99 µs", figure: lateness},
		errorColumn,
	}
	bulkColumns = []column{
		{title: "CPU s per GB", figure: machinePerGB, spread: true},
		{title: "to nginx", figure: machinePerGB, peer: nameNginx},
		{title: "to HAProxy", figure: machinePerGB, peer: nameHAProxy},
		{title: "of it the proxy's", figure: proxyPerGB, spread: true},
		{title: "GB/s", figure: byteRate},
	}
	memoryColumns = []column{
		{title: "bytes", figure: connectionSize, spread: true},
		{title: "to nginx", figure: connectionSize, peer: nameNginx},
		{title: "to HAProxy", figure: connectionSize, peer: nameHAProxy},
	}
)

// cell shows one engine's samples among those of all.
func (c column) cell(engine string, all map[string][]sample) string {
	samples := all[engine]
	switch {
	case len(samples) == 0:
		return "-"
	case c.sum:
		sum := 0.0
		for _, s := range samples {
			sum += c.of(s)
		}
		return fmt.Sprintf("%.0f", sum)
	case c.peer == "" && c.spread:
		return c.over(samples).text(c.digits)
	case c.peer == "":
		return fmt.Sprintf("%.*f", c.digits, c.over(samples).median)
	case len(all[c.peer]) != len(samples):
		return "-"
	}
	return fmt.Sprintf("%.2f", c.ratio(samples, all[c.peer]).median)
}

// tableOf has a row for each engine that ran in a workload, the cheapest first.
func (f *findings) tableOf(workload, title string, columns []column) table {
	t := table{title: title, header: []string{"engine"}}
	for _, c := range columns {
		t.header = append(t.header, c.title)
	}
	for _, name := range ranked(f.of(columns[0].figure)[workload], columns[0].figure) {
		row := []string{name}
		for _, c := range columns {
			row = append(row, c.cell(name, f.of(c.figure)[workload]))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// ranked are the engines by their median.
func ranked(all map[string][]sample, g figure) []string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(g.over(all[a]).median, g.over(all[b]).median), strings.Compare(a, b))
	})
	return names
}
