package check

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

const (
	annotationPrefix = "operators.operatorframework.io."
	channelsKey      = annotationPrefix + "bundle.channels.v1"
	defaultKey       = annotationPrefix + "bundle.channel.default.v1"
)

// fixed are the annotations that have one value.
var fixed = map[string]string{
	"bundle.mediatype.v1": "registry+v1",
	"bundle.manifests.v1": "manifests/",
	"bundle.metadata.v1":  "metadata/",
	"test.mediatype.v1":   "scorecard+v1",
	"test.config.v1":      "tests/scorecard/",
}

// checkFormat is what a registry wants before it looks into the manifests.
func (b *bundle) checkFormat(r *report) {
	for _, folder := range []string{"manifests/", "metadata/"} {
		if !b.holds(folder) {
			r.error("format/folders", "there is no %s", folder)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(fixed)) {
		if got := b.annotations[annotationPrefix+key]; got != fixed[key] {
			r.error("format/annotations", "%s is %q, want %q", key, got, fixed[key])
		}
	}
	if b.annotations[annotationPrefix+"bundle.package.v1"] == "" {
		r.error("format/annotations", "the package has no name")
	}
	b.checkChannels(r)
	b.checkDependencies(r)
	b.checkDockerfile(r)
}

func (b *bundle) holds(folder string) bool {
	for name := range b.files {
		if strings.HasPrefix(name, folder) {
			return true
		}
	}
	return false
}

// channelName says the level of support, and a major or minor version.
var channelName = regexp.MustCompile(`^(candidate|fast|stable)(-v?\d+(\.\d+)?)?$`)

func (b *bundle) checkChannels(r *report) {
	channels := strings.Split(b.annotations[channelsKey], ",")
	for _, c := range channels {
		switch {
		case c == "":
			r.error("format/channels", "a channel without a name")
		case !channelName.MatchString(c):
			r.warn("good-practices/channels", "%q does not begin with candidate, fast or stable", c)
		}
	}
	if d, ok := b.annotations[defaultKey]; ok && !slices.Contains(channels, d) {
		r.error("format/default-channel", "%q is none of %q", d, channels)
	} else if !ok {
		r.warn("good-practices/default-channel", "OLM would choose one by the alphabet")
	}
}

// checkDependencies refuses any: OLM's successor does, and what we need of others
// no catalog provides.
func (b *bundle) checkDependencies(r *report) {
	content, ok := b.files["metadata/dependencies.yaml"]
	if !ok {
		return
	}
	var file struct {
		Dependencies []struct {
			Type  string         `json:"type"`
			Value map[string]any `json:"value"`
		} `json:"dependencies"`
	}
	if err := yaml.UnmarshalStrict(content, &file); err != nil {
		r.error("format/dependencies", "%v", err)
	}
	for _, d := range file.Dependencies {
		r.error("olmv1/dependencies", "%s: %v", d.Type, d.Value)
	}
}

// checkDockerfile: a container engine is to make what the annotations say.
func (b *bundle) checkDockerfile(r *report) {
	content := b.files["bundle.Dockerfile"]
	if !bytes.Contains(content, []byte("\nFROM scratch\n")) {
		r.error("format/dockerfile", "it is not made from scratch")
	}
	for _, key := range slices.Sorted(maps.Keys(b.annotations)) {
		if !bytes.Contains(content, fmt.Appendf(nil, "\nLABEL %s=%s\n", key, b.annotations[key])) {
			r.error("format/dockerfile", "no label %s=%s", key, b.annotations[key])
		}
	}
}

// taken are the kinds of manifests that OLM applies, but for those that are
// refused elsewhere.
var taken = []string{
	"ClusterServiceVersion", "CustomResourceDefinition", "Secret", "ConfigMap", "ServiceAccount", "Service", "Role", "RoleBinding",
	"ClusterRole", "ClusterRoleBinding", "PodDisruptionBudget", "PriorityClass", "VerticalPodAutoscaler",
	"ConsoleYAMLSample", "ConsoleQuickStart", "ConsoleCLIDownload", "ConsoleLink", "ConsolePlugin",
}

// narrow are those that OLM takes and that fail elsewhere: where the Prometheus
// operator is not installed, or in the pipeline of a catalog.
var narrow = []string{"ServiceMonitor", "PodMonitor", "PrometheusRule", "NetworkPolicy"}

func (b *bundle) checkManifests(r *report) {
	for _, m := range b.manifests {
		switch {
		case slices.Contains(narrow, m.Kind):
			r.error("format/portable-kinds", "%s is a %s, which is refused or unknown on many clusters", m.file, m.Kind)
		case !slices.Contains(taken, m.Kind):
			r.error("format/kinds", "%s is a %q", m.file, m.Kind)
		}
		if !m.one() || m.Name == "" {
			r.error("format/one-object", "%s is not one object with a name", m.file)
		}
		if m.Namespace != "" {
			r.error("format/namespace", "%s says a namespace, which OLM chooses", m.file)
		}
	}
	b.checkSize(r)
}

// checkSize: OLM keeps a bundle in one ConfigMap, compressed.
func (b *bundle) checkSize(r *report) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for _, name := range slices.Sorted(maps.Keys(b.files)) {
		// A buffer takes everything.
		_, _ = w.Write(b.files[name])
	}
	_ = w.Close()
	const most = 1 << 20
	switch n := packed.Len(); {
	case n > most:
		r.error("bundle/size", "%d bytes compressed, more than %d", n, most)
	case n > most*85/100:
		r.warn("bundle/size", "%d bytes compressed, which is nearly %d", n, most)
	}
}
