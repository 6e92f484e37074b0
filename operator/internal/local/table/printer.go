package table

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// Format says how a Printer shows a table.
type Format string

// The formats.
const (
	// Auto is Live in a terminal, else Plain.
	Auto Format = "auto"
	// Live redraws the terminal in place.
	Live Format = "live"
	// Plain prints the whole table each time that it has changed.
	Plain Format = "plain"
	// JSON prints one document a line.
	JSON Format = "json"
)

// Formats are all of them.
func Formats() []Format { return []Format{Auto, Live, Plain, JSON} }

// Printer shows a table each time that it has changed. It is not safe for
// concurrent use.
type Printer struct {
	out    io.Writer
	format Format
	last   string
}

// NewPrinter returns a Printer to out.
func NewPrinter(out io.Writer, format Format) *Printer {
	if format == Auto || format == "" {
		format = Plain
		if isTerminal(out) {
			format = Live
		}
	}
	return &Printer{out: out, format: format}
}

// isTerminal says whether out is a terminal that can be redrawn.
func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Print shows the table, unless it is the one that is shown already.
func (p *Printer) Print(t *Table) error {
	text, err := p.text(t)
	if err != nil || text == p.last {
		return err
	}
	first := p.last == ""
	p.last = text
	switch {
	case p.format == Live:
		text = redraw(text)
	case p.format == Plain && !first:
		text = "\n" + text
	}
	_, err = io.WriteString(p.out, text)
	return err
}

func (p *Printer) text(t *Table) (string, error) {
	if p.format != JSON {
		return t.Text(), nil
	}
	line, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encoding the table: %w", err)
	}
	return string(line) + "\n", nil
}

// The sequences that every terminal since the VT100 knows.
const (
	home       = "\x1b[H"
	clearLine  = "\x1b[K"
	clearBelow = "\x1b[J"
)

// redraw writes over what is there line by line, which does not flicker as an
// empty screen in between would.
func redraw(text string) string {
	return home + strings.ReplaceAll(text, "\n", clearLine+"\n") + clearBelow
}
