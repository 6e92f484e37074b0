// Command image writes the image of a bundle, as bundle.Dockerfile describes
// it, without a container engine:
//
//	image -bundle bundle -o bundle.tar -t fleetgate.io/bundle:v0.1.0
//
// Nothing runs in it: OLM and catalogs read its files and labels.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"

	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/images"
)

func main() {
	folder := flag.String("bundle", "bundle", "`folder` of the bundle")
	output := flag.String("o", "bundle.tar", "archive to write")
	name := flag.String("t", "", "full name with tag")
	flag.Parse()
	spec, err := describe(os.DirFS(*folder), *name)
	if err == nil {
		err = images.WriteFile(*output, spec)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// describe returns the image of a bundle. Its labels are the bundle's
// annotations, which is where a catalog looks before it pulls any layer.
func describe(bundle fs.FS, name string) (images.Spec, error) {
	spec := images.Spec{Names: []string{name}}
	for _, folder := range []string{"manifests", "metadata", "tests/scorecard"} {
		files, err := below(bundle, folder)
		if err != nil {
			return spec, err
		}
		spec.Files = append(spec.Files, files...)
	}
	content, err := fs.ReadFile(bundle, "metadata/annotations.yaml")
	if err != nil {
		return spec, fmt.Errorf("reading annotations: %w", err)
	}
	var metadata struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := yaml.Unmarshal(content, &metadata); err != nil {
		return spec, fmt.Errorf("decoding annotations: %w", err)
	}
	if len(metadata.Annotations) == 0 {
		return spec, errors.New("the bundle has no annotations")
	}
	spec.Labels = metadata.Annotations
	return spec, nil
}

func below(bundle fs.FS, folder string) ([]images.File, error) {
	var files []images.File
	err := fs.WalkDir(bundle, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(bundle, name)
		files = append(files, images.File{Path: path.Join("/", name), Content: content})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", folder, err)
	}
	return files, nil
}
