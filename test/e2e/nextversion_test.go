package e2e

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/fleetgate/fleetgate/test/internal/variant"
)

// version is what an installation runs, by the names of its images.
type version struct{ operator, proxy string }

// next is a version whose contract between operator and proxies is another one, of
// which neither this one's operator nor its proxies can make anything.
var next = version{"fleetgate.io/operator:v0.1.0-next", "fleetgate.io/proxy:v0.1.0-next"}

// nextSchema is what that version has of its own, and nextPrograms are its programs.
var (
	nextSchema = []variant.Edit{{
		File: "api/proxyconfig/v1/document.go",
		Old:  `Schema = "proxyconfig.fleetgate.io/v1"`, New: `Schema = "proxyconfig.fleetgate.io/v2"`,
	}}
	nextPrograms = []variant.Program{
		{Folder: "operator", Name: "fleetgate", Image: next.operator},
		{Folder: "proxy", Name: "fleetgate-proxy", Image: next.proxy},
	}
)

// buildVariant builds programs with edits beside what the test goes on with; what it
// returns waits for that, and puts their images into the cluster.
func buildVariant(t *testing.T, edits []variant.Edit, programs ...variant.Program) (load func()) {
	t.Helper()
	ctx, dir, built := t.Context(), t.TempDir(), make(chan error, 1)
	go func() { built <- variant.Build(ctx, cluster.Root, dir, edits, programs...) }()
	return func() {
		t.Helper()
		err := <-built
		if err == nil {
			err = variant.Load(ctx, cluster.Cluster, dir, programs...)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// use has the next installation be of a version, and returns the one that it was of.
func (s *subscription) use(v version) (before version) {
	container := &s.csv.Spec.Install.Spec.Deployments[0].Spec.Template.Spec.Containers[0]
	proxy := &container.Env[slices.IndexFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == "RELATED_IMAGE_PROXY" })].Value
	before = version{container.Image, *proxy}
	container.Image, *proxy = v.operator, v.proxy
	return before
}
