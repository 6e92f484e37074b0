package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"

	"github.com/fleetgate/fleetgate/test/cluster/internal/build"
	"github.com/fleetgate/fleetgate/test/cluster/internal/config"
	"github.com/fleetgate/fleetgate/test/images"
)

// Build compiles the components and makes the archive of the images that every
// cluster has, both only if they are not in the cache. The caller holds the
// lock.
func (h *Host) Build(ctx context.Context, progress *build.Progress) (build.Built, string, error) {
	built, err := h.compile(ctx, progress, build.Components())
	if err != nil {
		return nil, "", err
	}
	archive, err := h.baseImages(built)
	return built, archive, err
}

func (h *Host) compile(ctx context.Context, progress *build.Progress, components []build.Component) (build.Built, error) {
	sources, err := build.FindSources()
	if err != nil {
		return nil, err
	}
	builder := &build.Builder{Sources: sources, Layout: h.Layout, Progress: progress}
	return builder.All(ctx, components)
}

// baseImages returns the archive of the images made from the binaries.
func (h *Host) baseImages(built build.Built) (string, error) {
	specs, err := baseSpecs(built)
	if err != nil {
		return "", err
	}
	return h.archive(specs)
}

// archive makes the archive of the images unless it is in the cache.
func (h *Host) archive(specs []images.Spec) (string, error) {
	path := h.Layout.Cached("images", specsKey(specs)) + ".tar"
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, images.WriteFile(path, specs...)
}

// echoNames are what the conformance suite and its manifests call the echo
// backend.
var echoNames = []string{
	"registry.k8s.io/gateway-api/conformance/echo-basic:v0.1.0",
	"registry.k8s.io/gateway-api/conformance/echo-basic:v0.2.0",
}

func baseSpecs(built build.Built) ([]images.Spec, error) {
	return specsOf(built, []program{
		{"pause", "/", []string{config.PauseImage}, "65535"},
		{"coredns", "/", []string{config.DNSImage}, ""},
		{"echo-basic", "/", echoNames, fmt.Sprint(images.Nonroot)},
	})
}

// program is a binary that is all of an image, and lies in the folder.
type program struct {
	binary, folder string
	names          []string
	user           string
}

func specsOf(built build.Built, programs []program) ([]images.Spec, error) {
	var specs []images.Spec
	for _, p := range programs {
		file, err := images.Binary(built[p.binary], p.folder+p.binary)
		if err != nil {
			return nil, err
		}
		specs = append(specs, images.Spec{Names: p.names, Files: []images.File{file}, User: p.user})
	}
	return specs, nil
}

// specsKey hashes all that goes into the images.
func specsKey(specs []images.Spec) string {
	h := sha256.New()
	for _, s := range specs {
		names := slices.Clone(s.Names)
		slices.Sort(names)
		fmt.Fprintf(h, "%q %q", names, s.User)
		for _, f := range s.Files {
			fmt.Fprintf(h, "%q %d ", f.Path, len(f.Content))
			h.Write(f.Content)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
