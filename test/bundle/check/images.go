package check

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

// reference is a whole one: registry, path, and a tag or a digest.
var reference = regexp.MustCompile(`^[a-z0-9.-]+\.[a-z]+(:\d+)?(/[a-z0-9._-]+)+(:[\w.-]+|@sha256:[0-9a-f]{64})$`)

// checkImages: a mirror has to have all that is run, and can have no others.
func (b *bundle) checkImages(r *report) {
	listed := b.csv.Spec.RelatedImages
	for _, i := range listed {
		if i.Name == "" || !reference.MatchString(i.Image) || strings.HasSuffix(i.Image, ":latest") {
			r.error("bundle/related-images", "%+v", i)
		}
	}
	used := b.images()
	for _, image := range used {
		if !slices.ContainsFunc(listed, func(i olm.RelatedImage) bool { return i.Image == image }) {
			r.error("bundle/images-listed", "%s is run and not listed", image)
		}
	}
	for _, i := range listed {
		if !slices.Contains(used, i.Image) {
			r.error("bundle/images-used", "%s is listed and not run", i.Image)
		}
	}
	if len(used) == 0 || b.csv.Metadata.Annotations["containerImage"] != used[0] {
		r.warn("hub/container-image", "%q is not the operator's", b.csv.Metadata.Annotations["containerImage"])
	}
}

// images are what the operator's containers are made of, and what it runs itself.
func (b *bundle) images() []string {
	var all []string
	for _, c := range b.containers() {
		all = append(all, c.Image)
		for _, e := range c.Env {
			if strings.HasPrefix(e.Name, "RELATED_IMAGE_") {
				all = append(all, e.Value)
			}
		}
	}
	return all
}

func (b *bundle) containers() []corev1.Container {
	var all []corev1.Container
	for _, d := range b.csv.Spec.Install.Spec.Deployments {
		all = append(all, slices.Concat(d.Spec.Template.Spec.Containers, d.Spec.Template.Spec.InitContainers)...)
	}
	return all
}
