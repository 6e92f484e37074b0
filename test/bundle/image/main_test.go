package main

import (
	"bufio"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/test/images"
)

// The image is what bundle.Dockerfile says: its labels and nothing but the
// copied folders.
func TestImageIsWhatTheDockerfileSays(t *testing.T) {
	const folder = "../../../bundle"
	spec, err := describe(os.DirFS(folder), "fleetgate.io/bundle:v0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(folder + "/bundle.Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	labels, copied := map[string]string{}, []string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if pair, ok := strings.CutPrefix(lines.Text(), "LABEL "); ok {
			key, value, _ := strings.Cut(pair, "=")
			labels[key] = value
		}
		if words := strings.Fields(lines.Text()); len(words) == 3 && words[0] == "COPY" {
			copied = append(copied, words[2])
		}
	}
	if diff := cmp.Diff(labels, spec.Labels); diff != "" {
		t.Errorf("labels (-Dockerfile +image)\n%s", diff)
	}
	used := map[string]bool{}
	for _, file := range spec.Files {
		i := slices.IndexFunc(copied, func(c string) bool { return strings.HasPrefix(file.Path, c) })
		if i < 0 {
			t.Errorf("%s is in none of %v", file.Path, copied)
			continue
		}
		used[copied[i]] = true
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(copied)), slices.Sorted(maps.Keys(used))); diff != "" {
		t.Errorf("folders (-Dockerfile +image)\n%s", diff)
	}
	if _, err := images.Build(spec); err != nil {
		t.Error(err)
	}
}

func TestDescribeRefuses(t *testing.T) {
	annotations := &fstest.MapFile{Data: []byte("annotations: {a: b}")}
	whole := fstest.MapFS{
		"manifests/a.yaml": {}, "metadata/annotations.yaml": annotations, "tests/scorecard/config.yaml": {},
	}
	if _, err := describe(whole, "example"); err != nil {
		t.Fatal(err)
	}
	for _, missing := range slices.Sorted(maps.Keys(whole)) {
		t.Run("without "+missing, func(t *testing.T) {
			part := maps.Clone(whole)
			delete(part, missing)
			if _, err := describe(part, "example"); err == nil {
				t.Error("no error")
			}
		})
	}
	t.Run("without any annotation", func(t *testing.T) {
		part := maps.Clone(whole)
		part["metadata/annotations.yaml"] = &fstest.MapFile{Data: []byte("annotations: {}")}
		if _, err := describe(part, "example"); err == nil {
			t.Error("no error")
		}
	})
}
