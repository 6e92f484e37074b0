package variant

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// repository is the folder of the sources.
const repository = "../../.."

func TestPanicsFitTheSources(t *testing.T) {
	for _, edit := range Panics {
		text, err := edit.apply(repository)
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(text, edit.New) {
			t.Errorf("%s is not edited", edit.File)
		}
	}
}

func TestAnEditThatDoesNotFitIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\n\nvar x, y = 1, 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for old, fits := range map[string]bool{"x": true, "1": false, "2": false} {
		_, err := overlay(dir, t.TempDir(), []Edit{{File: "a.go", Old: old, New: "z"}})
		if (err == nil) != fits {
			t.Errorf("replacing %q: %v", old, err)
		}
	}
}
