package observe

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/fleetgate/fleetgate/test/internal/page"
)

// Step is what a runbook has somebody ask: a query of Prometheus, or a line of a shell.
type Step struct {
	// Page is the name of the page: that of the alert for a runbook.
	Page string
	// Query says that Text is for Prometheus.
	Query bool
	Text  string
}

// Runbooks reads the steps of all runbooks of a folder, in their order.
func Runbooks(folder string) ([]Step, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no runbooks in %s", folder)
	}
	var all []Step
	for _, file := range files {
		steps, err := Steps(file)
		if err != nil {
			return nil, err
		}
		if len(steps) == 0 {
			return nil, fmt.Errorf("the runbook %s has nothing to run", file)
		}
		all = append(all, steps...)
	}
	return all, nil
}

// Steps reads the steps of one page, of which there may be none.
func Steps(file string) ([]Step, error) {
	blocks, err := page.Blocks(file)
	if err != nil {
		return nil, err
	}
	var all []Step
	for _, block := range blocks {
		switch block.Language {
		case page.Query:
			all = append(all, Step{block.Page, true, strings.TrimSpace(block.Text)})
		case page.Shell:
			for line := range strings.Lines(block.Text) {
				all = append(all, Step{block.Page, false, strings.TrimSpace(line)})
			}
		}
	}
	return all, nil
}

// For returns the step as it is run for one Gateway and one of its pods.
func (s Step) For(namespace, gateway, pod string) string {
	return strings.NewReplacer("<namespace>", namespace, "<gateway>", gateway, "<pod>", pod).Replace(s.Text)
}
