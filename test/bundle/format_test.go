package main

import (
	"bytes"
	"compress/gzip"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// The rules of a bundle's format: what a registry refuses it for.

func TestAnnotations(t *testing.T) {
	var metadata struct {
		Annotations map[string]string `json:"annotations"`
	}
	decodeFile(t, committed(t), annotationsFile, &metadata)
	const prefix = "operators.operatorframework.io."
	for key, want := range map[string]string{
		"bundle.mediatype.v1": "registry+v1",
		"bundle.manifests.v1": "manifests/",
		"bundle.metadata.v1":  "metadata/",
		"bundle.package.v1":   "fleetgate",
		"test.mediatype.v1":   "scorecard+v1",
		"test.config.v1":      "tests/scorecard/",
	} {
		if got := metadata.Annotations[prefix+key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	channels := strings.Split(metadata.Annotations[prefix+"bundle.channels.v1"], ",")
	// The names say the level of support: candidate, fast or stable.
	name := regexp.MustCompile(`^(candidate|fast|stable)-v\d+(\.\d+)?$`)
	for _, c := range channels {
		if !name.MatchString(c) {
			t.Errorf("channel %q does not match %s", c, name)
		}
	}
	if d := metadata.Annotations[prefix+"bundle.channel.default.v1"]; !slices.Contains(channels, d) {
		t.Errorf("the default channel %q is none of %q", d, channels)
	}
}

// Each file holds one object of a kind that OLM applies, without the
// namespace, which OLM sets. ServiceMonitors would fail the installation where
// their CRD is missing, and catalogs refuse NetworkPolicies.
func TestManifests(t *testing.T) {
	allowed := []string{"ClusterServiceVersion", "CustomResourceDefinition", "Service", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ConfigMap"}
	csvs := 0
	for name, content := range committed(t) {
		if !strings.HasPrefix(name, "manifests/") {
			continue
		}
		var object metav1.PartialObjectMetadata
		if err := yaml.Unmarshal(content, &object); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Contains(allowed, object.Kind) {
			t.Errorf("%s is a %q", name, object.Kind)
		}
		if bytes.Contains(content, []byte("\n---")) || object.Name == "" || object.Namespace != "" {
			t.Errorf("%s is not one named object without namespace", name)
		}
		if object.Kind == "ClusterServiceVersion" {
			csvs++
		}
	}
	if csvs != 1 {
		t.Errorf("%d ClusterServiceVersions, want 1", csvs)
	}
}

// OLM keeps a bundle in one ConfigMap, compressed.
func TestSize(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for _, content := range committed(t) {
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if limit := 1 << 20 * 85 / 100; b.Len() > limit {
		t.Errorf("%d bytes compressed, more than %d", b.Len(), limit)
	}
}

func TestScorecard(t *testing.T) {
	var config struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Metadata   map[string]string `json:"metadata"`
		Stages     []struct {
			Parallel bool `json:"parallel"`
			Tests    []struct {
				Image      string            `json:"image"`
				Entrypoint []string          `json:"entrypoint"`
				Labels     map[string]string `json:"labels"`
				Storage    map[string]any    `json:"storage"`
			} `json:"tests"`
		} `json:"stages"`
	}
	decodeFile(t, committed(t), "tests/scorecard/config.yaml", &config)
	if config.APIVersion != "scorecard.operatorframework.io/v1alpha3" || config.Kind != "Configuration" || len(config.Stages) != 1 {
		t.Fatalf("not a configuration of one stage: %+v", config)
	}
	var got []string
	for _, test := range config.Stages[0].Tests {
		if len(test.Entrypoint) != 2 || test.Labels["test"] != test.Entrypoint[1]+"-test" || test.Image == "" {
			t.Errorf("test %+v", test)
			continue
		}
		got = append(got, test.Entrypoint[1])
	}
	want := []string{
		"basic-check-spec", "olm-bundle-validation", "olm-crds-have-validation",
		"olm-crds-have-resources", "olm-spec-descriptors", "olm-status-descriptors",
	}
	if !slices.Equal(got, want) {
		t.Errorf("tests %v, want %v", got, want)
	}
}
