package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

var released = options{version: "1.2.3", channels: "stable-v1,fast-v1", defaultChannel: "stable-v1"}

// rendered is a small operator's whole stream, document by document.
func rendered(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile("testdata/rendered.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(content), "\n---\n")
}

func build(documents []string, o options) (map[string][]byte, error) {
	s, err := read(strings.NewReader(strings.Join(documents, "\n---\n")))
	if err != nil {
		return nil, err
	}
	return generate(s, o)
}

func TestOrderOfObjectsSaysNothing(t *testing.T) {
	documents := rendered(t)
	want, err := build(documents, released)
	if err != nil {
		t.Fatal(err)
	}
	for range documents {
		documents = append(documents[1:], documents[0])
		got, err := build(documents, released)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("starting with\n%s\n(-want +got)\n%s", documents[0], diff)
		}
	}
	slices.Reverse(documents)
	got, err := build(documents, released)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("backwards (-want +got)\n%s", diff)
	}
}

func TestWhereObjectsGo(t *testing.T) {
	files, err := build(rendered(t), released)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"bundle.Dockerfile",
		"manifests/example-reader_rbac.authorization.k8s.io_v1_clusterrole.yaml",
		"manifests/example_v1_service.yaml",
		"manifests/fleetgate.clusterserviceversion.yaml",
		"metadata/annotations.yaml",
		"tests/scorecard/config.yaml",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(files))); diff != "" {
		t.Errorf("files (-want +got)\n%s", diff)
	}
	var csv olm.ClusterServiceVersion
	decodeFile(t, files, "manifests/fleetgate.clusterserviceversion.yaml", &csv)
	if csv.Metadata.Name != "fleetgate.v1.2.3" || csv.Spec.Version != "1.2.3" {
		t.Errorf("name %s, version %s", csv.Metadata.Name, csv.Spec.Version)
	}
	images := []olm.RelatedImage{{Name: "manager", Image: "example.com/operator:v1"}, {Name: "bpf-exporter", Image: "example.com/exporter:v1"}}
	if diff := cmp.Diff(images, csv.Spec.RelatedImages); diff != "" {
		t.Errorf("images (-want +got)\n%s", diff)
	}
	var resources []string
	for _, p := range csv.Spec.Install.Spec.ClusterPermissions {
		for _, r := range p.Rules {
			resources = append(resources, r.Resources...)
		}
	}
	if diff := cmp.Diff([]string{"tokenreviews", "pods"}, resources); diff != "" {
		t.Errorf("rights by name of role (-want +got)\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		change func(stream string) string
		want   string
	}{
		"service monitor": {
			add("apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: a}"), "cannot be part",
		},
		"network policy": {add("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}"), "cannot be part"},
		"gateway class": {
			add("apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: a}"), "cannot be part",
		},
		"second deployment":         {add("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}"), "2 Deployments"},
		"foreign service account":   {add("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}"), "is not the operator's"},
		"misspelt field":            {swap("displayName:", "displayNames:"), "displayNames"},
		"binding of somebody else":  {swap("- kind: ServiceAccount\n  name: example", "- kind: ServiceAccount\n  name: other"), "to others"},
		"binding without a role":    {swap("  name: example-manager\nsubjects", "  name: gone\nsubjects"), "not there"},
		"role that nobody binds":    {add("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}"), "no binding"},
		"image that is not set":     {swap("example.com/exporter:v1", `""`), "is empty"},
		"no base to fill":           {swap("kind: ClusterServiceVersion", "kind: Other"), "cannot be part"},
		"a container too many":      {swap("      containers:\n", "      initContainers: [{name: a}]\n      containers:\n"), "other containers"},
		"a suggestion of no places": {swap("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: system", "# none"), "0 Namespaces"},
	} {
		t.Run(name, func(t *testing.T) {
			whole := strings.Join(rendered(t), "\n---\n")
			changed := test.change(whole)
			if changed == whole {
				t.Fatal("the test changes nothing")
			}
			_, err := build([]string{changed}, released)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want something with %q", err, test.want)
			}
		})
	}
	t.Run("version", func(t *testing.T) {
		for _, version := range []string{"", "v1.2.3", "1.2", "01.2.3", "1.2.3 "} {
			if _, err := build(rendered(t), options{version: version}); err == nil {
				t.Errorf("%q is taken for a version", version)
			}
		}
	})
}

func add(document string) func(string) string {
	return func(stream string) string { return stream + "\n---\n" + document + "\n" }
}

func swap(before, after string) func(string) string {
	return func(stream string) string { return strings.Replace(stream, before, after, 1) }
}

func TestCheckSeesWhatDiffers(t *testing.T) {
	folder := t.TempDir()
	stream := strings.Join(rendered(t), "\n---\n")
	args := []string{"-version", "1.2.3", "-out", folder}
	check := func() error { return run(append(args, "-check"), strings.NewReader(stream)) }
	if err := check(); err == nil {
		t.Error("an empty folder passes")
	}
	if err := run(args, strings.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	if err := check(); err != nil {
		t.Error(err)
	}
	stray := filepath.Join(folder, "manifests", "stray.yaml")
	edited := filepath.Join(folder, "metadata", "annotations.yaml")
	for _, path := range []string{stray, edited} {
		if err := os.WriteFile(path, []byte("a: b\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := check(); err == nil || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := run(args, strings.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	if err := check(); err != nil {
		t.Errorf("after writing again: %v", err)
	}
}
