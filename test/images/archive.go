package images

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Write builds the image of each Spec and writes all into one archive that
// `docker load` and `ctr images import` read. The same Specs give the same
// bytes.
func Write(w io.Writer, specs ...Spec) error {
	a := archive{tar: tar.NewWriter(w), written: map[string]bool{}}
	for _, spec := range specs {
		if err := a.add(spec); err != nil {
			return fmt.Errorf("writing image %q: %w", spec.Names, err)
		}
	}
	if err := a.end(); err != nil {
		return fmt.Errorf("ending the archive: %w", err)
	}
	return nil
}

// archive writes images in their given order. The library's own writer takes
// them from a map, in another order each time.
type archive struct {
	tar      *tar.Writer
	manifest tarball.Manifest
	// written are the names of the files so far: images may share layers.
	written map[string]bool
}

func (a *archive) add(spec Spec) error {
	image, err := Build(spec)
	if err != nil {
		return err
	}
	for _, n := range spec.Names {
		if _, err := name.NewTag(n, name.StrictValidation); err != nil {
			return err
		}
	}
	configName, err := image.ConfigName()
	if err != nil {
		return err
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return err
	}
	if err := a.file(configName.String(), config); err != nil {
		return err
	}
	layers, err := a.layers(image)
	if err != nil {
		return err
	}
	a.manifest = append(a.manifest, tarball.Descriptor{Config: configName.String(), RepoTags: spec.Names, Layers: layers})
	return nil
}

// layers writes the image's layers and returns their names in the archive.
func (a *archive) layers(image v1.Image) ([]string, error) {
	all, err := image.Layers()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, l := range all {
		digest, err := l.DiffID()
		if err != nil {
			return nil, err
		}
		content, err := readLayer(l)
		if err != nil {
			return nil, err
		}
		file := digest.Hex + ".tar"
		if err := a.file(file, content); err != nil {
			return nil, err
		}
		names = append(names, file)
	}
	return names, nil
}

func readLayer(l v1.Layer) ([]byte, error) {
	reader, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}

func (a *archive) file(name string, content []byte) error {
	if a.written[name] {
		return nil
	}
	a.written[name] = true
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: epoch}
	if err := a.tar.WriteHeader(header); err != nil {
		return err
	}
	_, err := a.tar.Write(content)
	return err
}

// end writes what a reader looks for first.
func (a *archive) end() error {
	content, err := json.Marshal(a.manifest)
	if err != nil {
		return err
	}
	if err := a.file("manifest.json", content); err != nil {
		return err
	}
	return a.tar.Close()
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
