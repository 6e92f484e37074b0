package conditions_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every reason that the operator can give is told of in the reference, with its
// cause and its cure, and the reference tells of no other.
func TestReferenceTellsOfEveryReason(t *testing.T) {
	data, err := os.ReadFile("../../../docs/reference/conditions.md")
	if err != nil {
		t.Fatal(err)
	}
	told := reasonsTold(string(data))
	given := reasonsGiven(t, "..")
	for _, reason := range slices.Sorted(maps.Keys(given)) {
		if !told[reason] {
			t.Errorf("the reference does not tell of %s, which is in %s", reason, given[reason])
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(told)) {
		if given[reason] == "" {
			t.Errorf("the reference tells of %s, which nothing gives", reason)
		}
	}
}

// reasonsTold are the words in code type of the columns for reasons.
func reasonsTold(page string) map[string]bool {
	told := map[string]bool{}
	word := regexp.MustCompile("`([A-Z][A-Za-z]+)`")
	events := false
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "## ") {
			events = strings.HasPrefix(line, "## Events")
		}
		cells := strings.Split(line, "|")
		column := 2
		if events {
			column = 1
		}
		if len(cells) <= column {
			continue
		}
		for _, match := range word.FindAllStringSubmatch(cells[column], -1) {
			told[match[1]] = true
		}
	}
	return told
}

// reasonsGiven are the reasons in the operator's code, each with a file that has it.
func reasonsGiven(t *testing.T, root string) map[string]string {
	t.Helper()
	given := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, reason := range reasonsOf(n, filepath.Base(path) == "events.go") {
				given[reason] = path
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return given
}

// reasonsOf are those that a node names: constants of the Gateway API, whose names
// end with their values, and constants of our own. All constants with text are
// reasons where Events are defined.
func reasonsOf(n ast.Node, events bool) []string {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		owner, ok := n.X.(*ast.Ident)
		_, reason, found := strings.Cut(n.Sel.Name, "Reason")
		if ok && found && (strings.HasPrefix(owner.Name, "gateway") || owner.Name == "v1alpha1") && reason != "" {
			return []string{reason}
		}
	case *ast.ValueSpec:
		var reasons []string
		for i, name := range n.Names {
			if i >= len(n.Values) || !events && !strings.HasPrefix(name.Name, "Reason") {
				continue
			}
			if text, ok := n.Values[i].(*ast.BasicLit); ok && text.Kind == token.STRING {
				reason, _ := strconv.Unquote(text.Value)
				reasons = append(reasons, reason)
			}
		}
		return reasons
	}
	return nil
}
