package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// annotations are what a catalog reads first. The image of the bundle carries
// the same as labels.
func annotations(o options) map[string]string {
	const bundle, test = "operators.operatorframework.io.bundle.", "operators.operatorframework.io.test."
	return map[string]string{
		bundle + "mediatype.v1":       "registry+v1",
		bundle + "manifests.v1":       "manifests/",
		bundle + "metadata.v1":        "metadata/",
		bundle + "package.v1":         packageName,
		bundle + "channels.v1":        o.channels,
		bundle + "channel.default.v1": o.defaultChannel,
		test + "mediatype.v1":         "scorecard+v1",
		test + "config.v1":            "tests/scorecard/",
	}
}

// dockerfile is for a container engine; its context is the bundle itself.
func dockerfile(o options) []byte {
	var b strings.Builder
	b.WriteString(header + "FROM scratch\n\n")
	all := annotations(o)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "LABEL %s=%s\n", key, all[key])
	}
	b.WriteString("\nCOPY manifests /manifests/\nCOPY metadata /metadata/\nCOPY tests/scorecard /tests/scorecard/\n")
	return []byte(b.String())
}

// scorecardImage runs the tests below; its tag is that of operator-sdk.
const scorecardImage = "quay.io/operator-framework/scorecard-test:v1.42.3"

// scorecard is the configuration of operator-sdk's scorecard: one stage with
// its six tests.
func scorecard() map[string]any {
	var tests []any
	add := func(suite, test string) {
		tests = append(tests, map[string]any{
			"entrypoint": []string{"scorecard-test", test},
			"image":      scorecardImage,
			"labels":     map[string]string{"suite": suite, "test": test + "-test"},
			"storage":    map[string]any{"spec": map[string]any{"mountPath": map[string]any{}}},
		})
	}
	add("basic", "basic-check-spec")
	for _, test := range []string{
		"olm-bundle-validation", "olm-crds-have-validation", "olm-crds-have-resources", "olm-spec-descriptors", "olm-status-descriptors",
	} {
		add("olm", test)
	}
	return map[string]any{
		"apiVersion": "scorecard.operatorframework.io/v1alpha3",
		"kind":       "Configuration",
		"metadata":   map[string]string{"name": "config"},
		"stages":     []any{map[string]any{"parallel": true, "tests": tests}},
	}
}
