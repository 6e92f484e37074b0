package folder

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
)

// document is one YAML document of a file.
type document struct {
	text []byte
	// above counts the lines of the file before the document's first.
	above int
}

// split cuts a file at its "---" lines. What follows the marker on its line
// belongs to the document that it begins. A first marker with nothing but
// comments above it begins the first document.
func split(content []byte) []document {
	var all []document
	current := document{}
	line := 0
	for text := range bytes.Lines(content) {
		if rest, begins := marker(text); begins {
			if len(all) > 0 || !blank(current.text) {
				all = append(all, current)
			}
			current = document{above: line}
			text = rest
		}
		current.text = append(current.text, text...)
		line++
	}
	return append(all, current)
}

// marker says whether a line begins a document, and returns the rest of it.
func marker(line []byte) (rest []byte, begins bool) {
	rest, begins = bytes.CutPrefix(line, []byte("---"))
	if !begins || len(rest) > 0 && !bytes.ContainsAny(rest[:1], " \t\r\n") {
		return nil, false
	}
	return rest, true
}

// blank says whether text has nothing but comments.
func blank(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

var lineNumber = regexp.MustCompile(`\bline (\d+)\b`)

// inFile turns the line numbers of a message, which count from the document's
// first line, into those of the file.
func (d document) inFile(message string) string {
	return lineNumber.ReplaceAllStringFunc(message, func(match string) string {
		n, err := strconv.Atoi(match[len("line "):])
		if err != nil {
			return match
		}
		return fmt.Sprintf("line %d", n+d.above)
	})
}
