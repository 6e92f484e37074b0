package page

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The languages of blocks that are done as they stand.
const (
	// Shell is a script for the folder of the repository.
	Shell = "sh"
	// Query is asked of Prometheus.
	Query = "promql"
)

// Block is one fenced block of a page.
type Block struct {
	// Page is the name of the page, without its folder and without .md.
	Page string
	// Language is the first word after the fence, of which there may be none.
	Language string
	// Text is what is within the fences, less the indent of the first.
	Text string
}

// Title is the first line of the text.
func (b Block) Title() string {
	title, _, _ := strings.Cut(b.Text, "\n")
	return title
}

// fence finds fenced blocks, those of lists among them.
var fence = regexp.MustCompile("(?ms)^( *)```(\\w*)[^\n`]*\n(.*?)^ *```$")

// Blocks returns the fenced blocks of a page, in their order.
func Blocks(file string) ([]Block, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading a page: %w", err)
	}
	var all []Block
	for _, match := range fence.FindAllStringSubmatch(string(content), -1) {
		indent, language, text := match[1], match[2], match[3]
		var b strings.Builder
		for line := range strings.Lines(text) {
			b.WriteString(strings.TrimPrefix(line, indent))
		}
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		all = append(all, Block{name, language, b.String()})
	}
	return all, nil
}

// Texts returns those of the blocks of one language.
func Texts(blocks []Block, language string) (texts []string) {
	for _, b := range blocks {
		if b.Language == language {
			texts = append(texts, b.Text)
		}
	}
	return texts
}
