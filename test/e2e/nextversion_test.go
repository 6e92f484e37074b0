package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/fleetgate/fleetgate/test/images"
)

// version is what an installation runs, by the names of its images.
type version struct{ operator, proxy string }

// next is a version whose contract between operator and proxies is another one, of
// which neither this one's operator nor its proxies can make anything.
var next = version{"fleetgate.io/operator:v0.1.0-next", "fleetgate.io/proxy:v0.1.0-next"}

// The schema of the contract, in its source.
const (
	schemaSource = "api/proxyconfig/v1/document.go"
	schema       = `Schema = "proxyconfig.fleetgate.io/v1"`
	nextSchema   = `Schema = "proxyconfig.fleetgate.io/v2"`
)

// buildNext builds the next version: this one, but for the schema, of which the
// compiler is given another source. It does so beside what the test goes on with; what it
// returns waits for it, and makes images of the two programs.
func buildNext(t *testing.T) (load func()) {
	t.Helper()
	text := string(repositoryFile(t, schemaSource))
	if strings.Count(text, schema) != 1 {
		t.Fatalf("%s does not define the schema as it did", schemaSource)
	}
	dir := t.TempDir()
	other, overlay := filepath.Join(dir, "document.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(cluster.Root, schemaSource): other}})
	if err == nil {
		err = errors.Join(
			os.WriteFile(other, []byte(strings.Replace(text, schema, nextSchema, 1)), 0o600),
			os.WriteFile(overlay, replace, 0o600),
		)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, built := t.Context(), make(chan error, 1)
	go func() { built <- buildPrograms(ctx, dir, overlay) }()
	return func() {
		t.Helper()
		if err := <-built; err != nil {
			t.Fatal(err)
		}
		loadNext(t, dir)
	}
}

// nextPrograms are the folders of the programs that the next version has, and the names of
// its binaries.
var nextPrograms = map[string]string{"operator": "fleetgate", "proxy": "fleetgate-proxy"}

func buildPrograms(ctx context.Context, dir, overlay string) error {
	for folder, name := range nextPrograms {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-overlay", overlay,
			"-ldflags", "-w -X main.version=next", "-o", filepath.Join(dir, name), "./"+folder)
		build.Dir, build.Env = cluster.Root, append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", folder, err, text)
		}
	}
	return nil
}

// loadNext makes images of the programs that were built in a folder.
func loadNext(t *testing.T, dir string) {
	t.Helper()
	var specs []images.Spec
	for folder, image := range map[string]string{"operator": next.operator, "proxy": next.proxy} {
		name := nextPrograms[folder]
		file, err := images.Binary(filepath.Join(dir, name), "/"+name)
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, images.Spec{Names: []string{image}, Files: []images.File{file}, User: "65532"})
	}
	if err := cluster.LoadImages(t.Context(), specs...); err != nil {
		t.Fatal(err)
	}
}

// use has the next installation be of a version, and returns the one that it was of.
func (s *subscription) use(v version) (before version) {
	container := &s.csv.Spec.Install.Spec.Deployments[0].Spec.Template.Spec.Containers[0]
	proxy := &container.Env[slices.IndexFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == "RELATED_IMAGE_PROXY" })].Value
	before = version{container.Image, *proxy}
	container.Image, *proxy = v.operator, v.proxy
	return before
}
