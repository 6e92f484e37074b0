package images

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func example() Spec {
	return Spec{
		Names:  []string{"fleetgate.io/example:v0.1.0"},
		Files:  []File{{Path: "/example", Content: []byte("binary"), Mode: 0o755}, {Path: "/etc/example/config", Content: []byte("x")}},
		User:   "65532",
		Env:    []string{"LEVEL=info"},
		Labels: map[string]string{"b": "2", "a": "1"},
	}
}

func digest(t *testing.T, spec Spec) string {
	t.Helper()
	image, err := Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	d, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

func TestSameSpecSameDigest(t *testing.T) {
	want := digest(t, example())
	if got := digest(t, example()); got != want {
		t.Errorf("got %s, then %s", want, got)
	}
	// The order of files says nothing, but for the entrypoint.
	shuffled := example()
	shuffled.Files[0], shuffled.Files[1] = shuffled.Files[1], shuffled.Files[0]
	shuffled.Entrypoint = []string{"/example"}
	if got := digest(t, shuffled); got != want {
		t.Errorf("got %s with files in another order, want %s", got, want)
	}
}

func TestArchiveIsReproducible(t *testing.T) {
	other := example()
	other.Names = []string{"fleetgate.io/other:v0.1.0", "fleetgate.io/other:v0.1"}
	other.User = ""
	var first bytes.Buffer
	if err := Write(&first, example(), other); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		var again bytes.Buffer
		if err := Write(&again, example(), other); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Fatal("the same images gave two different archives")
		}
	}
}

func TestEveryPartChangesTheDigest(t *testing.T) {
	want := digest(t, example())
	for name, change := range map[string]func(*Spec){
		"content":    func(s *Spec) { s.Files[0].Content = []byte("other") },
		"mode":       func(s *Spec) { s.Files[1].Mode = 0o600 },
		"path":       func(s *Spec) { s.Files[1].Path = "/etc/example/other" },
		"user":       func(s *Spec) { s.User = "0" },
		"env":        func(s *Spec) { s.Env = nil },
		"label":      func(s *Spec) { s.Labels["a"] = "3" },
		"entrypoint": func(s *Spec) { s.Entrypoint = []string{"/example", "serve"} },
	} {
		spec := example()
		change(&spec)
		if digest(t, spec) == want {
			t.Errorf("another %s gives the same digest", name)
		}
	}
}

func TestConfiguration(t *testing.T) {
	image, err := Build(example())
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := file.Config
	if diff := cmp.Diff([]string{"/example"}, c.Entrypoint); diff != "" {
		t.Errorf("entrypoint (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"PATH=/:/bin:/usr/bin", "LEVEL=info"}, c.Env); diff != "" {
		t.Errorf("environment (-want +got)\n%s", diff)
	}
	if c.User != "65532" || c.Labels["a"] != "1" || !file.Created.Equal(epoch) {
		t.Errorf("got user %q, labels %v, created %v", c.User, c.Labels, file.Created)
	}
}

// The listing shows everything that the image holds.
func TestLayer(t *testing.T) {
	content, err := layer(example().Files)
	if err != nil {
		t.Fatal(err)
	}
	want := `drwxr-xr-x etc/
drwxr-xr-x etc/example/
dtrwxrwxrwx tmp/
-rw-r--r-- etc/example/config 1
-rw-r--r-- etc/group 27
-rw-r--r-- etc/passwd 78
-rwxr-xr-x example 6
`
	if diff := cmp.Diff(want, listing(t, content)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func listing(t *testing.T, content []byte) string {
	t.Helper()
	var b strings.Builder
	reader := tar.NewReader(bytes.NewReader(content))
	for {
		h, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(epoch) || h.Uid != 0 || h.Gid != 0 {
			t.Errorf("%s: got time %v and owner %d:%d", h.Name, h.ModTime, h.Uid, h.Gid)
		}
		fmt.Fprintf(&b, "%v %s", h.FileInfo().Mode(), h.Name)
		if h.Typeflag == tar.TypeReg {
			fmt.Fprintf(&b, " %d", h.Size)
		}
		b.WriteByte('\n')
	}
}

func TestOwnPasswdWins(t *testing.T) {
	spec := example()
	spec.Files = append(spec.Files, File{Path: "/etc/passwd", Content: []byte("own")})
	content, err := layer(spec.Files)
	if err != nil {
		t.Fatal(err)
	}
	if got := listing(t, content); strings.Count(got, "etc/passwd") != 1 || !strings.Contains(got, "etc/passwd 3\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestBadSpecs(t *testing.T) {
	for name, change := range map[string]func(*Spec){
		"no name":        func(s *Spec) { s.Names = nil },
		"no file":        func(s *Spec) { s.Files = nil },
		"relative path":  func(s *Spec) { s.Files[0].Path = "example" },
		"unclean path":   func(s *Spec) { s.Files[0].Path = "/a/../example" },
		"file twice":     func(s *Spec) { s.Files[1].Path = s.Files[0].Path },
		"malformed env":  func(s *Spec) { s.Env = []string{"LEVEL"} },
		"malformed name": func(s *Spec) { s.Names = []string{"Not a name"} },
	} {
		spec := example()
		change(&spec)
		if err := Write(io.Discard, spec); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWriteFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "image.tar")
	if err := WriteFile(path, example()); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(example().Names[0])
	if err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(path, &tag)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := image.ConfigFile(); err != nil {
		t.Error(err)
	}
	bad := example()
	bad.Files = nil
	if err := WriteFile(filepath.Join(folder, "bad.tar"), bad); err == nil {
		t.Error("no error for a bad image")
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("got %v, want the one archive", entries)
	}
}
