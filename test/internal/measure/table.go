package measure

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Table writes rows, each with as many cells as the header, as Markdown whose source
// reads as well as the page.
func Table(header []string, rows [][]string) string {
	all := append([][]string{header, make([]string, len(header))}, rows...)
	widths := make([]int, len(header))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 1)
		}
	}
	for i, width := range widths {
		all[1][i] = strings.Repeat("-", width)
	}
	var out strings.Builder
	for _, row := range all {
		for i, cell := range row {
			fmt.Fprintf(&out, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		out.WriteString("|\n")
	}
	return out.String()
}
