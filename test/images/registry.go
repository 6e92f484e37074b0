package images

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Push sends all images of an archive to the registries that their names begin
// with, and returns those names with the digests that they have there. It logs
// in with what `docker login` has stored.
func Push(ctx context.Context, archive string) ([]string, error) {
	open := func() (io.ReadCloser, error) { return os.Open(archive) }
	manifest, err := tarball.LoadManifest(open)
	if err != nil {
		return nil, fmt.Errorf("reading archive %s: %w", archive, err)
	}
	var pushed []string
	for _, descriptor := range manifest {
		for _, text := range descriptor.RepoTags {
			reference, err := pushOne(ctx, open, text)
			if err != nil {
				return pushed, fmt.Errorf("pushing %s: %w", text, err)
			}
			pushed = append(pushed, reference)
		}
	}
	return pushed, nil
}

func pushOne(ctx context.Context, open tarball.Opener, text string) (string, error) {
	tag, err := name.NewTag(text, name.StrictValidation)
	if err != nil {
		return "", err
	}
	image, err := tarball.Image(open, &tag)
	if err != nil {
		return "", err
	}
	if err := remote.Write(tag, image, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return "", err
	}
	digest, err := image.Digest()
	if err != nil {
		return "", err
	}
	return tag.Digest(digest.String()).String(), nil
}
