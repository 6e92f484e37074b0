package page

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// chapter finds the pages that the guides' first page numbers.
var chapter = regexp.MustCompile(`(?m)^\d+\. \[[^\]]+\]\(([a-z0-9-]+\.md)\)`)

// Guides returns the files of the guides, in the order in which they are to be read, and
// the README after them. Root is the folder of the repository.
func Guides(root string) ([]string, error) {
	folder := filepath.Join(root, "docs", "guides")
	index, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		return nil, fmt.Errorf("reading the order of the guides: %w", err)
	}
	var files []string
	for _, match := range chapter.FindAllStringSubmatch(string(index), -1) {
		files = append(files, filepath.Join(folder, match[1]))
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s numbers no guides", folder)
	}
	return append(files, filepath.Join(root, "README.md")), nil
}
