package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// boundaries returns the rows of the table of boundaries, without its head.
func boundaries(t *testing.T) []string {
	t.Helper()
	_, table, _ := strings.Cut(read(t, "docs/ARCHITECTURE.md"), "| boundary | held by |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	if table == "" {
		t.Fatal("docs/ARCHITECTURE.md has no table of boundaries")
	}
	return strings.Split(table, "\n")
}

// Each boundary of trust is held by a test or a golden file, in the folder that is
// named after it.
func TestBoundariesHaveTheirTests(t *testing.T) {
	quoted := regexp.MustCompile("`([^`]+)`")
	for _, row := range boundaries(t) {
		var named []string
		for _, match := range quoted.FindAllStringSubmatch(row, -1) {
			if name := match[1]; !strings.Contains(name, "/") {
				named = append(named, name)
				continue
			}
			for _, name := range named {
				if !holds(t, match[1], name) {
					t.Errorf("%s has no %s", match[1], name)
				}
			}
			if _, err := os.Stat(filepath.Join(root, match[1])); err != nil {
				t.Errorf("a boundary names %s: %v", match[1], err)
			}
			named = nil
		}
		if len(named) > 0 {
			t.Errorf("no folder is named for %v", named)
		}
	}
}

// holds says whether a folder has a test, or a file, of the name.
func holds(t *testing.T, folder, name string) bool {
	t.Helper()
	if !strings.HasPrefix(name, "Test") {
		_, err := os.Stat(filepath.Join(root, folder, name))
		return err == nil
	}
	files, err := fs.Glob(os.DirFS(filepath.Join(root, folder)), "*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.Contains(read(t, filepath.Join(folder, file)), "\nfunc "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}
