package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fleetgate/fleetgate/test/images"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "catalog:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var o options
	flags := flag.NewFlagSet("catalog", flag.ExitOnError)
	folder := flags.String("bundle", "bundle", "`folder` of the bundle")
	output := flags.String("o", "catalog.yaml", "`file` to write")
	flags.StringVar(&o.image, "image", "", "`name` of the bundle's image, with a tag or a digest")
	flags.StringVar(&o.replaces, "replaces", "", "`name` of the version that this one replaces")
	flags.StringVar(&o.skipRange, "skip-range", "", "`range` of versions that this one can replace at once")
	archive := flags.String("image-out", "", "archive of the catalog's image to write")
	name := flags.String("t", "", "full name of that image with its tag")
	// ExitOnError: Parse does not return an error.
	_ = flags.Parse(args)
	content, err := render(os.DirFS(*folder), o)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*output), 0o755); err != nil {
		return fmt.Errorf("making the catalog's folder: %w", err)
	}
	if err := os.WriteFile(*output, content, 0o644); err != nil {
		return fmt.Errorf("writing the catalog: %w", err)
	}
	if *archive == "" {
		return nil
	}
	return images.WriteFile(*archive, image(*name, content))
}

// configs is where those who read a catalog's image look for files.
const configs = "/configs"

func image(name string, content []byte) images.Spec {
	return images.Spec{
		Names:  []string{name},
		Files:  []images.File{{Path: configs + "/fleetgate/catalog.yaml", Content: content}},
		Labels: map[string]string{"operators.operatorframework.io.index.configs.v1": configs},
	}
}
