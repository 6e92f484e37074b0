package images

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestPushSendsEveryImageOfAnArchive(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	spec := func(n string) Spec {
		return Spec{Names: []string{host + "/fleetgate/" + n + ":v1"}, Files: []File{{Path: "/" + n, Content: []byte(n), Mode: 0o755}}}
	}
	archive := filepath.Join(t.TempDir(), "images.tar")
	if err := WriteFile(archive, spec("proxy"), spec("sensor")); err != nil {
		t.Fatal(err)
	}
	pushed, err := Push(t.Context(), archive)
	if err != nil {
		t.Fatal(err)
	}
	if len(pushed) != 2 {
		t.Fatalf("pushed %v, want two images", pushed)
	}
	for _, text := range pushed {
		reference, err := name.NewDigest(text)
		if err != nil {
			t.Fatal(err)
		}
		image, err := remote.Image(reference)
		if err != nil {
			t.Fatalf("pulling what was pushed: %v", err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if want := "/" + filepath.Base(reference.RepositoryStr()); config.Config.Entrypoint[0] != want {
			t.Errorf("%s has entrypoint %v, want %s", text, config.Config.Entrypoint, want)
		}
	}
}

func TestPushSaysWhatIsWrongWithAnArchive(t *testing.T) {
	if _, err := Push(t.Context(), filepath.Join(t.TempDir(), "missing.tar")); err == nil || !strings.Contains(err.Error(), "missing.tar") {
		t.Errorf("got %v, want an error that names the archive", err)
	}
}
