package build

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

func newBuilder(t *testing.T, sources string) (*Builder, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	progress := &Progress{out: &out, now: time.Now}
	return &Builder{Sources: sources, Layout: layout.Layout{Root: t.TempDir()}, Progress: progress}, &out
}

func (b *Builder) buildOne(t *testing.T, ctx context.Context, c Component) (string, error) {
	t.Helper()
	all, missing, err := b.plan([]Component{c})
	if err != nil {
		t.Fatal(err)
	}
	if len(missing) != 1 {
		t.Fatalf("got %d components to build, want 1", len(missing))
	}
	return filepath.Join(all[0].folder, "tool"), b.compile(ctx, missing[0])
}

func TestCompileFillsTheCache(t *testing.T) {
	sources, c := newSources(t, "package main\n\nfunc main() { println(\"works\") }\n")
	b, _ := newBuilder(t, sources)
	binary, err := b.buildOne(t, t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(binary).CombinedOutput(); err != nil || string(out) != "works\n" {
		t.Errorf("the binary said %q, %v", out, err)
	}
	_, missing, err := b.plan([]Component{c})
	if err != nil || len(missing) != 0 {
		t.Errorf("got %d components to build again, %v, want none", len(missing), err)
	}
	if entries := list(t, b.Layout.Root); len(entries) != 1 {
		t.Errorf("got %v, want only the component", entries)
	}
}

func TestCompileLeavesNothingHalf(t *testing.T) {
	sources, c := newSources(t, "package main\n\nfunc main() { nonsense() }\n")
	b, _ := newBuilder(t, sources)
	_, err := b.buildOne(t, t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got error %v, want the compiler's", err)
	}
	if entries := list(t, b.Layout.Root); len(entries) != 0 {
		t.Errorf("got %v, want nothing", entries)
	}
}

func TestCompileRemovesTheRestOfAKilledBuild(t *testing.T) {
	sources, c := newSources(t, "package main\n\nfunc main() {}\n")
	b, _ := newBuilder(t, sources)
	write(t, filepath.Join(b.Layout.Root, ".tool.123", "tool"), "half")
	if _, err := b.buildOne(t, t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if entries := list(t, b.Layout.Root); len(entries) != 1 || strings.HasPrefix(entries[0], ".") {
		t.Errorf("got %v, want only the component", entries)
	}
}

func TestCompileEndsWithItsContext(t *testing.T) {
	sources, c := newSources(t, "package main\n\nfunc main() {}\n")
	b, _ := newBuilder(t, sources)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.buildOne(t, ctx, c); err == nil {
		t.Error("the build went on")
	}
	if entries := list(t, b.Layout.Root); len(entries) != 0 {
		t.Errorf("got %v, want nothing", entries)
	}
}

func list(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
