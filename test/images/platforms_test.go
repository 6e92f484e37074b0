package images

import (
	"debug/elf"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const program = `package main

import "os"

func main() { os.Stdout.WriteString("hello\n") }
`

// compile makes a program as the Makefile makes ours, in a folder of its own.
func compile(t *testing.T, arch string) string {
	t.Helper()
	folder := t.TempDir()
	for file, content := range map[string]string{"main.go": program, "go.mod": "module example.com/hello\n\ngo 1.27\n"} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(folder, "hello")
	command := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	command.Dir, command.Env = folder, append(os.Environ(), "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// archived compiles the program and writes its image.
func archived(t *testing.T, tag, arch string) string {
	t.Helper()
	binary := compile(t, arch)
	wantStatic(t, binary, arch)
	file, err := Binary(binary, "/hello")
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "hello.tar")
	if err := WriteFile(archive, Spec{Names: []string{tag}, Files: []File{file}, User: "65532", Architecture: arch}); err != nil {
		t.Fatal(err)
	}
	return archive
}

// From source to registry twice, from different folders, it is the same digest, with
// a static binary for each architecture in it.
func TestPlatformsAreReproducible(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	tag := strings.TrimPrefix(server.URL, "http://") + "/fleetgate/hello:v1"
	var pushed [2]string
	for i := range pushed {
		var err error
		if pushed[i], err = PushPlatforms(t.Context(), archived(t, tag, "amd64"), archived(t, tag, "arm64")); err != nil {
			t.Fatal(err)
		}
	}
	if pushed[0] != pushed[1] {
		t.Errorf("built twice, it is %s and %s", pushed[0], pushed[1])
	}
	reference, err := name.ParseReference(tag)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(reference)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m.Platform.String()+"="+config.OS+"/"+config.Architecture)
	}
	if want := "linux/amd64=linux/amd64 linux/arm64=linux/arm64"; strings.Join(got, " ") != want {
		t.Errorf("the index has %v, want %s", got, want)
	}
}

// wantStatic: there is nothing in an image that a binary could be linked with.
func wantStatic(t *testing.T, binary, arch string) {
	t.Helper()
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	if file.Machine != machines[arch] || len(libraries) > 0 {
		t.Errorf("the binary for %s is for %v and needs %v", arch, file.Machine, libraries)
	}
}

func TestPlatformsThatAreNoneAreRefused(t *testing.T) {
	file := func(tag, arch string) string {
		archive := filepath.Join(t.TempDir(), "image.tar")
		if err := WriteFile(archive, Spec{Names: []string{tag}, Files: []File{{Path: "/a"}}, Architecture: arch}); err != nil {
			t.Fatal(err)
		}
		return archive
	}
	for want, archives := range map[string][]string{
		"no archive":   nil,
		"one more for": {file("fleetgate.io/a:v1", "arm64"), file("fleetgate.io/a:v1", "arm64")},
		"and another":  {file("fleetgate.io/a:v1", "arm64"), file("fleetgate.io/b:v1", "amd64")},
		"missing.tar":  {filepath.Join(t.TempDir(), "missing.tar")},
	} {
		if _, _, err := platforms(archives); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}
