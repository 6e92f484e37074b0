package e2e

import (
	"encoding/json"
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
// compiler is given another source.
func buildNext(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(cluster.Root, schemaSource)
	text := string(repositoryFile(t, schemaSource))
	if strings.Count(text, schema) != 1 {
		t.Fatalf("%s does not define the schema as it did", schemaSource)
	}
	other := filepath.Join(dir, "document.go")
	write := func(file string, content []byte) {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(other, []byte(strings.Replace(text, schema, nextSchema, 1)))
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {source: other}})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	write(overlay, replace)
	specs := []images.Spec{
		programOf(t, dir, overlay, "operator", "fleetgate", next.operator),
		programOf(t, dir, overlay, "proxy", "fleetgate-proxy", next.proxy),
	}
	if err := cluster.LoadImages(t.Context(), specs...); err != nil {
		t.Fatal(err)
	}
}

// programOf builds one program into an image.
func programOf(t *testing.T, dir, overlay, folder, name, image string) images.Spec {
	t.Helper()
	out := filepath.Join(dir, name)
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-overlay", overlay,
		"-ldflags", "-w -X main.version=next", "-o", out, "./"+folder)
	build.Dir, build.Env = cluster.Root, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", folder, err, text)
	}
	file, err := images.Binary(out, "/"+name)
	if err != nil {
		t.Fatal(err)
	}
	return images.Spec{Names: []string{image}, Files: []images.File{file}, User: "65532"}
}

// use has the next installation be of a version, and returns the one that it was of.
func (s *subscription) use(v version) (before version) {
	container := &s.csv.Spec.Install.Spec.Deployments[0].Spec.Template.Spec.Containers[0]
	proxy := &container.Env[slices.IndexFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == "RELATED_IMAGE_PROXY" })].Value
	before = version{container.Image, *proxy}
	container.Image, *proxy = v.operator, v.proxy
	return before
}
