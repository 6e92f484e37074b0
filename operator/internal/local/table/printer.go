package table

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
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
	// width returns the terminal's, and zero where that is not known.
	width func() int
	last  string
	// rows is how many the last table takes on the terminal.
	rows int
}

// NewPrinter returns a Printer to out.
func NewPrinter(out io.Writer, format Format) *Printer {
	_, terminal := widthOf(out)
	if format == Auto || format == "" {
		format = Plain
		if terminal && os.Getenv("TERM") != "dumb" {
			format = Live
		}
	}
	return &Printer{out: out, format: format, width: func() int {
		width, _ := widthOf(out)
		return width
	}}
}

// widthOf says whether out is a terminal, and how wide it is if that is known.
func widthOf(out io.Writer) (width int, terminal bool) {
	f, ok := out.(*os.File)
	if !ok {
		return 0, false
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Col), true
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
		text = p.redraw(text)
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
	up         = "\x1b[%dA"
	clearLine  = "\x1b[K"
	clearBelow = "\x1b[J"
)

// redraw writes over the last table line by line, which does not flicker as an
// empty screen in between would. What stood above it stays.
func (p *Printer) redraw(text string) string {
	back := ""
	if p.rows > 0 {
		back = fmt.Sprintf(up, p.rows)
	}
	p.rows = rows(text, p.width())
	return back + strings.ReplaceAll(text, "\n", clearLine+"\n") + clearBelow
}

// rows counts those that the text takes with its long lines wrapped.
func rows(text string, width int) int {
	n := 0
	for line := range strings.Lines(text) {
		length := utf8.RuneCountInString(strings.TrimSuffix(line, "\n"))
		n++
		if width > 0 && length > width {
			n += (length - 1) / width
		}
	}
	return n
}
