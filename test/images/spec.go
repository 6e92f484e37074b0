package images

import (
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"strings"
)

// Nonroot is the user and group ID of the user nonroot, which every image has.
const Nonroot = 65532

// Spec describes an image. It may be used again after Build, which does not
// change it.
type Spec struct {
	// Names are the image's full references, each with a tag.
	Names []string
	// Files are what the image holds beside its base.
	Files []File
	// Entrypoint is the command; without one it is the first file.
	Entrypoint []string
	// User is the user that the process runs as, such as "65532"; without
	// one it is root.
	User string
	// Env holds NAME=value pairs beside PATH.
	Env []string
	// Architecture is that of the files, as Go names it; by default this machine's.
	Architecture string
	// Labels go into the image's configuration.
	Labels map[string]string
}

// File is one file of an image.
type File struct {
	// Path is the absolute path within the image.
	Path string
	// Content is what the file holds.
	Content []byte
	// Mode holds the permission bits; 0 means 0644.
	Mode os.FileMode
}

// Binary reads an executable from the machine into a File.
func Binary(source, path string) (File, error) {
	content, err := os.ReadFile(source)
	if err != nil {
		return File{}, fmt.Errorf("reading binary: %w", err)
	}
	return File{Path: path, Content: content, Mode: 0o755}, nil
}

func (s Spec) validate() error {
	if len(s.Names) == 0 {
		return errors.New("an image needs a name")
	}
	if len(s.Files) == 0 {
		return errors.New("an image needs a file")
	}
	seen := map[string]bool{}
	for _, f := range s.Files {
		if !path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || f.Path == "/" {
			return fmt.Errorf("file %q: path is not absolute and clean", f.Path)
		}
		if seen[f.Path] {
			return fmt.Errorf("file %q is named twice", f.Path)
		}
		seen[f.Path] = true
	}
	for _, e := range s.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			return fmt.Errorf("environment %q is not NAME=value", e)
		}
	}
	return nil
}

func (s Spec) entrypoint() []string {
	if len(s.Entrypoint) > 0 {
		return s.Entrypoint
	}
	return []string{s.Files[0].Path}
}

func (s Spec) architecture() string {
	if s.Architecture != "" {
		return s.Architecture
	}
	return runtime.GOARCH
}
