package config

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

//go:embed files
var files embed.FS

// values are what the templates may name.
func values() map[string]string {
	return map[string]string{
		"Bin":              layout.InBin,
		"Etc":              layout.InEtc,
		"ContainerdSocket": layout.ContainerdSocket,
		"PodNet":           layout.PodNet,
		"DNSIP":            layout.DNSIP,
		"ClusterDomain":    layout.ClusterDomain,
		"OutsideDomain":    layout.OutsideDomain,
		"PauseImage":       PauseImage,
		"DNSImage":         DNSImage,
	}
}

// Images that the cluster itself needs. They exist on the node only; no
// registry has them.
const (
	PauseImage = "fleetgate.test/pause:1"
	DNSImage   = "fleetgate.test/coredns:1"
)

// Render returns every file by its path below the cluster's etc folder.
func Render() (map[string][]byte, error) {
	out := map[string][]byte{}
	err := fs.WalkDir(files, "files", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rendered, err := render(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel("files", path)
		if err != nil {
			return err
		}
		out[relative] = rendered
		return nil
	})
	return out, err
}

func render(path string) ([]byte, error) {
	text, err := files.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := template.New(path).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", path, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, values()); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", path, err)
	}
	return b.Bytes(), nil
}

// Write renders all files into the folder.
func Write(folder string) error {
	rendered, err := Render()
	if err != nil {
		return err
	}
	for name, content := range rendered {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the folder of %s: %w", name, err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}
