package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// key returns the hash of all that determines the component's binaries.
// Each part is written with its length, so that no two inputs look alike.
func (c Component) key(sources string) (string, error) {
	h := sha256.New()
	put := func(s string) { fmt.Fprintf(h, "%d:%s\n", len(s), s) }
	put(runtime.Version())
	put(runtime.GOOS + "/" + runtime.GOARCH)
	version, err := c.version(sources)
	if err != nil {
		return "", err
	}
	for _, name := range c.binaryNames() {
		put(name)
		for _, a := range c.arguments(version, c.Binaries[name], "") {
			put(a)
		}
	}
	for _, e := range c.environment() {
		put(e)
	}
	if err := putSources(h, filepath.Join(sources, c.Name)); err != nil {
		return "", fmt.Errorf("hashing the sources of %s: %w", c.Name, err)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// putSources writes the module files and non-test Go files of a folder.
func putSources(w io.Writer, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		if isSource(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%d:%s %d:", len(name), name, len(content))
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	return nil
}

func isSource(name string) bool {
	if name == "go.mod" || name == "go.sum" {
		return true
	}
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}
