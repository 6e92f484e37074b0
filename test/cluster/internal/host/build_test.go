package host

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fleetgate/fleetgate/test/cluster/internal/build"
	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// fakeBuilt makes a file for every binary of every component.
func fakeBuilt(t *testing.T) build.Built {
	t.Helper()
	folder := t.TempDir()
	built := build.Built{}
	for _, c := range build.Components() {
		for name := range c.Binaries {
			built[name] = filepath.Join(folder, name)
			if err := os.WriteFile(built[name], []byte(name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return built
}

func TestBaseImagesAreMadeOnce(t *testing.T) {
	h := &Host{Layout: layout.Layout{Root: t.TempDir()}}
	built := fakeBuilt(t)
	first, err := h.baseImages(built)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.baseImages(built); err != nil || again != first {
		t.Errorf("got %s, %v, want %s again", again, err, first)
	}
	if later, err := os.Stat(first); err != nil || !os.SameFile(info, later) {
		t.Errorf("the archive was made again: %v", err)
	}
	if err := os.WriteFile(built["coredns"], []byte("new"), 0o755); err != nil {
		t.Fatal(err)
	}
	if other, err := h.baseImages(built); err != nil || other == first {
		t.Errorf("got the same archive for another binary: %v", err)
	}
}

func TestLinkBinaries(t *testing.T) {
	built := fakeBuilt(t)
	folder := t.TempDir()
	if err := linkBinaries(folder, built); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"kubelet": "kube", "etcd": "kube", "containerd": "containerd", "bridge": "bridge", "runc": "runc"} {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != want {
			t.Errorf("%s leads to %q, %v, want %q", name, got, err, want)
		}
	}
}
