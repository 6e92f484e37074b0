package variant

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/images"
)

// Edit is what differs from one of the sources.
type Edit struct {
	// File is the source, below the repository's folder.
	File string
	// Old is in it once, and New comes in its place.
	Old, New string
}

// Program is one that is built.
type Program struct {
	// Folder is that of its main package, below the repository's.
	Folder string
	// Name is that of its binary, and Image the reference of the image that holds it.
	Name, Image string
}

// Build builds programs of the repository at root into the folder dir, and writes beside
// them what the compiler is given for that. It returns an error if an edit does not fit
// the sources.
func Build(ctx context.Context, root, dir string, edits []Edit, programs ...Program) error {
	overlay, err := overlay(root, dir, edits)
	if err != nil {
		return err
	}
	for _, p := range programs {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-overlay", overlay,
			"-ldflags", "-w -X main.version=variant", "-o", filepath.Join(dir, p.Name), "./"+p.Folder)
		build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", p.Folder, err, text)
		}
	}
	return nil
}

// overlay writes the edited sources and the file that tells the compiler of them.
func overlay(root, dir string, edits []Edit) (string, error) {
	replace := make(map[string]string)
	for i, e := range edits {
		text, err := e.apply(root)
		if err != nil {
			return "", err
		}
		edited := filepath.Join(dir, fmt.Sprintf("%d-%s", i, filepath.Base(e.File)))
		if err := os.WriteFile(edited, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, e.File)] = edited
	}
	content, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, content, 0o600)
}

// apply returns the edited source.
func (e Edit) apply(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, e.File))
	if err != nil {
		return "", fmt.Errorf("reading the source: %w", err)
	}
	if n := strings.Count(string(text), e.Old); n != 1 {
		return "", fmt.Errorf("%s has %d times what is to be replaced: %q", e.File, n, e.Old)
	}
	return strings.Replace(string(text), e.Old, e.New, 1), nil
}

// Load puts an image of each program that was built in dir into the cluster.
func Load(ctx context.Context, c *client.Cluster, dir string, programs ...Program) error {
	var specs []images.Spec
	for _, p := range programs {
		file, err := images.Binary(filepath.Join(dir, p.Name), "/"+p.Name)
		if err != nil {
			return err
		}
		specs = append(specs, images.Spec{Names: []string{p.Image}, Files: []images.File{file}, User: strconv.Itoa(images.Nonroot)})
	}
	return c.LoadImages(ctx, specs...)
}
