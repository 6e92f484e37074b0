package main

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"sigs.k8s.io/yaml"
)

const folder = "../../../bundle"

// blob is one document of a catalog, as far as a resolver reads it.
type blob struct {
	Schema, Package, Name, Image, DefaultChannel, Description string
	Icon                                                      map[string]string
	Entries                                                   []map[string]string
	Properties                                                []struct {
		Type  string
		Value map[string]any
	}
	RelatedImages []map[string]string
}

func parse(t *testing.T, content []byte) map[string][]blob {
	t.Helper()
	all := map[string][]blob{}
	for _, document := range bytes.Split(content, []byte("\n---\n"))[1:] {
		var b blob
		if err := yaml.Unmarshal(document, &b); err != nil {
			t.Fatal(err)
		}
		all[b.Schema] = append(all[b.Schema], b)
	}
	return all
}

func rendered(t *testing.T, o options) map[string][]blob {
	t.Helper()
	content, err := render(os.DirFS(folder), o)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, content)
}

func TestCatalog(t *testing.T) {
	all := rendered(t, options{image: "fleetgate.io/bundle:v0.1.0", replaces: "fleetgate.v0.0.9", skipRange: "<0.1.0"})
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, []string{"olm.bundle", "olm.channel", "olm.package"}) {
		t.Fatalf("schemas are %v", got)
	}
	pack := all["olm.package"][0]
	if pack.Name != "fleetgate" || pack.DefaultChannel != "candidate-v0" || pack.Icon["mediatype"] != "image/svg+xml" || pack.Description == "" {
		t.Errorf("the package is %+v", pack)
	}
	want := []map[string]string{{"name": "fleetgate.v0.1.0", "replaces": "fleetgate.v0.0.9", "skipRange": "<0.1.0"}}
	if diff := cmp.Diff(want, all["olm.channel"][0].Entries); diff != "" {
		t.Errorf("entries (-want +got)\n%s", diff)
	}
	bundle := all["olm.bundle"][0]
	if bundle.Name != "fleetgate.v0.1.0" || bundle.Package != "fleetgate" || bundle.Image != "fleetgate.io/bundle:v0.1.0" {
		t.Errorf("the bundle is %s of %s in %s", bundle.Name, bundle.Package, bundle.Image)
	}
	var properties []string
	for _, p := range bundle.Properties {
		properties = append(properties, p.Type)
	}
	// Nothing is required, which OLM v1 would refuse.
	if diff := cmp.Diff([]string{"olm.package", "olm.gvk", "olm.csv.metadata"}, properties); diff != "" {
		t.Errorf("properties (-want +got)\n%s", diff)
	}
	gvk := map[string]any{"group": "fleetgate.io", "kind": "GatewayParameters", "version": "v1alpha1"}
	if diff := cmp.Diff(gvk, bundle.Properties[1].Value); diff != "" {
		t.Errorf("kind (-want +got)\n%s", diff)
	}
	// A mirror copies the bundle as well.
	if len(bundle.RelatedImages) != 4 || bundle.RelatedImages[0]["image"] != bundle.Image {
		t.Errorf("related images are %v", bundle.RelatedImages)
	}
}

// The first version of a channel replaces nothing.
func TestFirstVersionHasNoEdges(t *testing.T) {
	got := rendered(t, options{image: "fleetgate.io/bundle:v0.1.0"})["olm.channel"][0].Entries
	if diff := cmp.Diff([]map[string]string{{"name": "fleetgate.v0.1.0"}}, got); diff != "" {
		t.Errorf("entries (-want +got)\n%s", diff)
	}
}

// bundled returns the bundle with a change of its annotations.
func bundled(t *testing.T, before, after string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"metadata/annotations.yaml", "manifests/fleetgate.clusterserviceversion.yaml"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: bytes.ReplaceAll(content, []byte(before), []byte(after))}
	}
	return files
}

func TestEachChannelHasTheVersion(t *testing.T) {
	content, err := render(bundled(t, "channels.v1: candidate-v0", "channels.v1: candidate-v0,fast-v0"), options{image: "a"})
	if err != nil {
		t.Fatal(err)
	}
	var channels []string
	for _, c := range parse(t, content)["olm.channel"] {
		channels = append(channels, c.Name+" "+c.Entries[0]["name"])
	}
	if diff := cmp.Diff([]string{"candidate-v0 fleetgate.v0.1.0", "fast-v0 fleetgate.v0.1.0"}, channels); diff != "" {
		t.Errorf("channels (-want +got)\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	for want, from := range map[string]struct {
		bundle fs.FS
		image  string
	}{
		"no name":          {os.DirFS(folder), ""},
		"annotations":      {fstest.MapFS{}, "a"},
		"the default":      {bundled(t, "default.v1: candidate-v0", "default.v1: stable"), "a"},
		"misspelt":         {bundled(t, "displayName:", "misspelt:"), "a"},
		"package \"\" has": {bundled(t, "package.v1: fleetgate", "package.v1: \"\""), "a"},
	} {
		if _, err := render(from.bundle, options{image: from.image}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func TestImageSaysWhereItsFilesAre(t *testing.T) {
	into := t.TempDir()
	archive, tag := filepath.Join(into, "catalog.tar"), "fleetgate.io/catalog:v0.1.0"
	if err := run([]string{"-bundle", folder, "-image", "a", "-o", filepath.Join(into, "a", "catalog.yaml"), "-image-out", archive, "-t", tag}); err != nil {
		t.Fatal(err)
	}
	reference, err := name.NewTag(tag)
	if err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(archive, &reference)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Config.Labels["operators.operatorframework.io.index.configs.v1"]; got != configs {
		t.Errorf("the label says %q, want %q", got, configs)
	}
}
