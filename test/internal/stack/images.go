package stack

import (
	"context"
	"path/filepath"
	"strconv"

	"github.com/fleetgate/fleetgate/test/images"
)

// binaries are the programs that become images, with the user that each runs
// as.
var binaries = []struct {
	file, image string
	user        int
}{
	{"fleetgate", "operator", images.Nonroot},
	{"fleetgate-proxy", "proxy", images.Nonroot},
	{"fleetgate-sensor", "sensor", 0},
	{"echo", "echo", images.Nonroot},
}

// Tag is the version that the images are built with, as in config/default.
const Tag = "v0.1.0"

func (s *Stack) loadImages(ctx context.Context) error {
	var specs []images.Spec
	for _, b := range binaries {
		file, err := images.Binary(filepath.Join(s.Root, "bin", b.file), "/"+b.file)
		if err != nil {
			return err
		}
		specs = append(specs, images.Spec{
			Names: []string{"fleetgate.io/" + b.image + ":" + Tag},
			Files: []images.File{file},
			User:  strconv.Itoa(b.user),
		})
	}
	return s.LoadImages(ctx, specs...)
}
