package main

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// pin names the operator's image and those that it runs by what resolve makes of
// their tags, so that a mirror of them serves just the same. They have to be pushed.
func (s *source) pin(resolve func(image string) (string, error)) error {
	container := &s.deployments[0].Spec.Template.Spec.Containers[0]
	images := []*string{&container.Image}
	for i := range container.Env {
		if strings.HasPrefix(container.Env[i].Name, relatedImage) {
			images = append(images, &container.Env[i].Value)
		}
	}
	for _, image := range images {
		pinned, err := resolve(*image)
		if err != nil {
			return fmt.Errorf("finding the digest of %s: %w", *image, err)
		}
		*image = pinned
	}
	return nil
}

// digest asks the registry what an image's tag stands for.
func digest(image string) (string, error) {
	reference, err := name.ParseReference(image, name.StrictValidation)
	if err != nil {
		return "", err
	}
	descriptor, err := remote.Head(reference, remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return "", err
	}
	return reference.Context().Digest(descriptor.Digest.String()).String(), nil
}
