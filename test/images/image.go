package images

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Build makes the image in memory.
func Build(spec Spec) (v1.Image, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	content, err := layer(spec.Files)
	if err != nil {
		return nil, err
	}
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		Created:      v1.Time{Time: epoch},
		Config: v1.Config{
			Entrypoint: spec.entrypoint(),
			User:       spec.User,
			Env:        append([]string{"PATH=/:/bin:/usr/bin"}, spec.Env...),
			Labels:     spec.Labels,
			WorkingDir: "/",
		},
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, fmt.Errorf("setting the image's configuration: %w", err)
	}
	image, err = mutate.Append(image, mutate.Addendum{
		Layer:   static.NewLayer(content, types.DockerUncompressedLayer),
		History: v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "fleetgate"},
	})
	if err != nil {
		return nil, fmt.Errorf("adding the layer: %w", err)
	}
	return image, nil
}

// Write builds the image of each Spec and writes all into one archive that
// `docker load` and `ctr images import` read.
func Write(w io.Writer, specs ...Spec) error {
	all := map[name.Tag]v1.Image{}
	for _, spec := range specs {
		image, err := Build(spec)
		if err != nil {
			return fmt.Errorf("building image %q: %w", spec.Names, err)
		}
		for _, n := range spec.Names {
			tag, err := name.NewTag(n, name.StrictValidation)
			if err != nil {
				return fmt.Errorf("naming an image: %w", err)
			}
			all[tag] = image
		}
	}
	if err := tarball.MultiWrite(all, w); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}

// WriteFile is Write into a file, which appears whole or not at all.
func WriteFile(path string, specs ...Spec) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("making the archive: %w", err)
	}
	defer os.Remove(temporary.Name())
	if err := Write(temporary, specs...); err != nil {
		temporary.Close()
		return err
	}
	if err := temporary.Close(); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return fmt.Errorf("placing the archive: %w", err)
	}
	return nil
}
