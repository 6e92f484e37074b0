package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// PushPlatforms sends the images of several archives, one each, as one index
// under the name that they share, and returns that name with the index's digest.
// No two may be for the same architecture. The same archives in the same order
// give the same digest.
func PushPlatforms(ctx context.Context, archives ...string) (string, error) {
	tag, index, err := platforms(archives)
	if err != nil {
		return "", err
	}
	if err := remote.WriteIndex(tag, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return "", fmt.Errorf("pushing %s: %w", tag, err)
	}
	digest, err := index.Digest()
	if err != nil {
		return "", err
	}
	return tag.Digest(digest.String()).String(), nil
}

// platforms makes the index of the images of several archives.
func platforms(archives []string) (name.Tag, v1.ImageIndex, error) {
	var shared name.Tag
	index := mutate.IndexMediaType(empty.Index, types.DockerManifestList)
	seen := map[string]bool{}
	for _, archive := range archives {
		tag, image, err := only(archive)
		if err != nil {
			return shared, nil, err
		}
		config, err := image.ConfigFile()
		if err != nil {
			return shared, nil, fmt.Errorf("reading archive %s: %w", archive, err)
		}
		switch {
		case len(seen) > 0 && tag != shared:
			return shared, nil, fmt.Errorf("archive %s holds %s, and another %s", archive, tag, shared)
		case seen[config.Architecture]:
			return shared, nil, fmt.Errorf("archive %s is one more for %s", archive, config.Architecture)
		}
		shared, seen[config.Architecture] = tag, true
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: config.OS, Architecture: config.Architecture}},
		})
	}
	if len(seen) == 0 {
		return shared, nil, errors.New("there is no archive to push")
	}
	return shared, index, nil
}

// only reads the one image that an archive holds under one name.
func only(archive string) (name.Tag, v1.Image, error) {
	open := func() (io.ReadCloser, error) { return os.Open(archive) }
	manifest, err := tarball.LoadManifest(open)
	if err != nil {
		return name.Tag{}, nil, fmt.Errorf("reading archive %s: %w", archive, err)
	}
	if len(manifest) != 1 || len(manifest[0].RepoTags) != 1 {
		return name.Tag{}, nil, fmt.Errorf("archive %s holds other than one image of one name", archive)
	}
	tag, err := name.NewTag(manifest[0].RepoTags[0], name.StrictValidation)
	if err != nil {
		return tag, nil, err
	}
	image, err := tarball.Image(open, &tag)
	return tag, image, err
}
