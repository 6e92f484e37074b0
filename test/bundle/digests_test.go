package main

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
	"github.com/fleetgate/fleetgate/test/images"
)

func TestDigestsTakeThePlaceOfTags(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	stream := strings.ReplaceAll(strings.Join(rendered(t), "\n---\n"), "example.com/", host+"/")
	pinned := func() (*source, error) {
		s, err := read(strings.NewReader(stream))
		if err != nil {
			t.Fatal(err)
		}
		return s, s.pin(digest)
	}
	if _, err := pinned(); err == nil || !strings.Contains(err.Error(), host+"/operator:v1") {
		t.Errorf("got %v before anything is pushed, want an error that names the image", err)
	}
	pushed := push(t, host+"/operator:v1", host+"/exporter:v1")
	s, err := pinned()
	if err != nil {
		t.Fatal(err)
	}
	files, err := generate(s, released)
	if err != nil {
		t.Fatal(err)
	}
	var csv olm.ClusterServiceVersion
	decodeFile(t, files, csvFile, &csv)
	for i, want := range pushed {
		if got := csv.Spec.RelatedImages[i].Image; got != want {
			t.Errorf("related image %d is %s, want %s", i, got, want)
		}
	}
	container := csv.Spec.Install.Spec.Deployments[0].Spec.Template.Spec.Containers[0]
	if container.Image != pushed[0] {
		t.Errorf("the operator is %s, want %s", container.Image, pushed[0])
	}
}

// push makes images of these names, and returns them with their digests.
func push(t *testing.T, names ...string) []string {
	t.Helper()
	var specs []images.Spec
	for _, n := range names {
		specs = append(specs, images.Spec{Names: []string{n}, Files: []images.File{{Path: "/a", Content: []byte(n)}}})
	}
	archive := filepath.Join(t.TempDir(), "images.tar")
	if err := images.WriteFile(archive, specs...); err != nil {
		t.Fatal(err)
	}
	pushed, err := images.Push(t.Context(), archive)
	if err != nil {
		t.Fatal(err)
	}
	return pushed
}
