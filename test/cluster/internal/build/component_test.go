package build

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const sources = "../../components"

// Every component has a folder and a version in it, and the other way round.
func TestComponentsMatchSources(t *testing.T) {
	var names []string
	for _, c := range slices.Concat(Components(), Prometheus()) {
		names = append(names, c.Name)
		version, err := c.version(sources)
		if err != nil {
			t.Error(err)
		}
		if ok := regexp.MustCompile(`^v\d+\.\d+\.\d+$`).MatchString(version); c.Requires != "" && !ok {
			t.Errorf("%s: got version %q", c.Name, version)
		}
	}
	entries, err := os.ReadDir(sources)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			t.Errorf("folder %s belongs to no component", e.Name())
		}
	}
}

func TestLinkerFlags(t *testing.T) {
	for _, test := range []struct {
		name      string
		component Component
		version   string
		want      string
	}{
		{"plain", Component{}, "", "-s -w"},
		{"static C", Component{CGO: true}, "v1.2.3", "-s -w -extldflags -static"},
		{"version", Component{Variables: []Variable{{"x.v", "$V"}, {"x.n", "$MAJOR-$MINOR"}}}, "v1.36.3", "-s -w -X x.v=v1.36.3 -X x.n=1-36"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.component.linkerFlags(test.version); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// newSources makes a folder with one component, a program without
// dependencies.
func newSources(t *testing.T, main string) (folder string, c Component) {
	t.Helper()
	folder = t.TempDir()
	write(t, filepath.Join(folder, "tool", "go.mod"), "module example.com/tool\n\ngo 1.26.0\n")
	write(t, filepath.Join(folder, "tool", "main.go"), main)
	return folder, Component{Name: "tool", Title: "tool", Binaries: map[string]string{"tool": "."}}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestKeyFollowsWhatDetermines(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(t *testing.T, folder string, c *Component)
		differs bool
	}{
		{"nothing", func(*testing.T, string, *Component) {}, false},
		{"source", func(t *testing.T, f string, _ *Component) { write(t, f+"/tool/main.go", "package main // new") }, true},
		{"new source", func(t *testing.T, f string, _ *Component) { write(t, f+"/tool/more.go", "package main") }, true},
		{"requirement", func(t *testing.T, f string, _ *Component) {
			write(t, f+"/tool/go.mod", "module example.com/tool\n\ngo 1.27.0\n")
		}, true},
		{"checksum", func(t *testing.T, f string, _ *Component) { write(t, f+"/tool/go.sum", "x v1.0.0 h1:0=\n") }, true},
		{"test", func(t *testing.T, f string, _ *Component) { write(t, f+"/tool/main_test.go", "package main") }, false},
		{"note", func(t *testing.T, f string, _ *Component) { write(t, f+"/tool/README", "x") }, false},
		{"tag", func(_ *testing.T, _ string, c *Component) { c.Tags = []string{"x"} }, true},
		{"C", func(_ *testing.T, _ string, c *Component) { c.CGO = true }, true},
		{"variable", func(_ *testing.T, _ string, c *Component) { c.Variables = []Variable{{"main.v", "1"}} }, true},
		{"binary's name", func(_ *testing.T, _ string, c *Component) { c.Binaries = map[string]string{"other": "."} }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder, c := newSources(t, "package main")
			before, err := c.key(folder)
			if err != nil {
				t.Fatal(err)
			}
			test.change(t, folder, &c)
			after, err := c.key(folder)
			if err != nil {
				t.Fatal(err)
			}
			if (before != after) != test.differs {
				t.Errorf("got keys %s and %s", before, after)
			}
		})
	}
}

func TestEnvironmentLeavesNothingToTheMachine(t *testing.T) {
	got := strings.Join(Component{CGO: true}.environment(), "\n") + "\n"
	for _, want := range []string{"CGO_ENABLED=1\n", "GOFLAGS=-trimpath -buildvcs=false\n", "GOWORK=off\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want it to hold %q", got, want)
		}
	}
}
