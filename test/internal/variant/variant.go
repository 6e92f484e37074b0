package variant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/images"
)

// Edit is what differs from the sources.
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
// them what the compiler is given for that. It returns an error if the edit does not fit
// the sources.
func Build(ctx context.Context, root, dir string, edit Edit, programs ...Program) error {
	overlay, err := edit.overlay(root, dir)
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

// overlay writes the edited source and the file that tells the compiler of it.
func (e Edit) overlay(root, dir string) (string, error) {
	source := filepath.Join(root, e.File)
	text, err := os.ReadFile(source)
	if err != nil {
		return "", fmt.Errorf("reading the source: %w", err)
	}
	if n := strings.Count(string(text), e.Old); n != 1 {
		return "", fmt.Errorf("%s has %d times what is to be replaced: %q", e.File, n, e.Old)
	}
	edited, overlay := filepath.Join(dir, filepath.Base(e.File)), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {source: edited}})
	if err != nil {
		return "", err
	}
	return overlay, errors.Join(
		os.WriteFile(edited, []byte(strings.Replace(string(text), e.Old, e.New, 1)), 0o600),
		os.WriteFile(overlay, replace, 0o600),
	)
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
