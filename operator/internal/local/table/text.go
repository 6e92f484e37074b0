package table

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Text is the table for people to read.
func (t *Table) Text() string {
	var b strings.Builder
	t.gateways(&b)
	t.troubles(&b)
	list(&b, "In the files (what was read before stays):", t.Unread)
	t.metrics(&b)
	list(&b, "Good to know:", t.Notes)
	return b.String()
}

func (t *Table) gateways(b *strings.Builder) {
	if len(t.Gateways) == 0 {
		fmt.Fprintf(b, "No Gateway in %s yet.\n", t.Source)
		return
	}
	w := tabwriter.NewWriter(b, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "NAMESPACE\tNAME\tADDRESS\tPORTS\tPROGRAMMED\tROUTES")
	for _, g := range t.Gateways {
		cells := []string{g.Namespace, g.Name, orDash(g.Address), orDash(strings.Join(g.Ports, ",")), g.Programmed, strconv.Itoa(g.Routes)}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	// The writer below is a strings.Builder, which takes everything.
	_ = w.Flush()
}

func (t *Table) troubles(b *strings.Builder) {
	var lines []string
	for _, trouble := range t.Troubles {
		where := trouble.Object
		if trouble.Field != "" {
			where += ", " + trouble.Field
		}
		lines = append(lines, fmt.Sprintf("%s: %s: %s", where, trouble.Reason, trouble.Message))
	}
	list(b, "What is wrong:", lines)
}

func (t *Table) metrics(b *strings.Builder) {
	var lines []string
	for _, g := range t.Gateways {
		if len(g.Metrics) > 0 {
			lines = append(lines, fmt.Sprintf("%s/%s: %s", g.Namespace, g.Name, strings.Join(g.Metrics, "  ")))
		}
	}
	list(b, "Metrics:", lines)
}

func list(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, line := range lines {
		// A message of several lines stays one item.
		fmt.Fprintf(b, "  %s\n", strings.ReplaceAll(strings.TrimSpace(line), "\n", "\n    "))
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
