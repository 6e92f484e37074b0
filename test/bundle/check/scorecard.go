package check

import (
	"maps"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

// tests are the six that the scorecard has for every operator.
var tests = []string{
	"basic-check-spec", "olm-bundle-validation", "olm-crds-have-validation",
	"olm-crds-have-resources", "olm-spec-descriptors", "olm-status-descriptors",
}

// checkScorecard does what they do, as all of them only look at the bundle.
func (b *bundle) checkScorecard(r *report) {
	b.checkConfiguration(r)
	for _, d := range b.csv.Spec.CustomResourceDefinitions.Owned {
		if len(d.Resources) == 0 {
			r.error("scorecard/resources", "%s lists none", d.Kind)
		}
		schema := b.schema(d)
		checkDescriptors(r, "scorecard/spec-descriptors", d.Kind+".spec", d.SpecDescriptors, schema["spec"])
		checkDescriptors(r, "scorecard/status-descriptors", d.Kind+".status", d.StatusDescriptors, schema["status"])
		for _, e := range b.examples {
			if e.Kind == d.Kind {
				checkExample(r, &e, schema)
			}
		}
	}
}

// schema is that of the kind's fields, by their names.
func (b *bundle) schema(d olm.Definition) map[string]apiextensionsv1.JSONSchemaProps {
	for i := range b.crds {
		if v := version(&b.crds[i], d.Version); b.crds[i].Name == d.Name && v != nil && v.Schema != nil {
			return v.Schema.OpenAPIV3Schema.Properties
		}
	}
	return nil
}

// checkDescriptors: each field of the schema has one, and no others do.
func checkDescriptors(r *report, rule, part string, described []olm.Descriptor, schema apiextensionsv1.JSONSchemaProps) {
	paths := map[string]bool{}
	for _, d := range described {
		if _, ok := schema.Properties[d.Path]; !ok || paths[d.Path] || d.DisplayName == "" || d.Description == "" {
			r.error(rule, "%s of %s has no field, no name, no text, or is there twice", d.Path, part)
		}
		paths[d.Path] = true
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if !paths[name] {
			r.error(rule, "%s.%s is not described", part, name)
		}
	}
}

func checkExample(r *report, e *example, schema map[string]apiextensionsv1.JSONSchemaProps) {
	if len(e.Spec) == 0 {
		r.warn("scorecard/spec", "%s %s has none", e.Kind, e.Name)
	}
	for part, fields := range map[string]map[string]any{"spec": e.Spec, "status": e.Status} {
		for name := range fields {
			if _, ok := schema[part].Properties[name]; !ok {
				r.error("scorecard/validation", "%s.%s of %s is not in the schema", part, name, e.Name)
			}
		}
	}
}

func (b *bundle) checkConfiguration(r *report) {
	var config struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Stages     []struct {
			Tests []struct {
				Image      string            `json:"image"`
				Entrypoint []string          `json:"entrypoint"`
				Labels     map[string]string `json:"labels"`
			} `json:"tests"`
		} `json:"stages"`
	}
	err := yaml.Unmarshal(b.files["tests/scorecard/config.yaml"], &config)
	if err != nil || config.APIVersion != "scorecard.operatorframework.io/v1alpha3" || config.Kind != "Configuration" || len(config.Stages) != 1 {
		r.error("scorecard/config", "it is no configuration of one stage: %v", err)
		return
	}
	var got []string
	for _, t := range config.Stages[0].Tests {
		if len(t.Entrypoint) == 2 && t.Labels["test"] == t.Entrypoint[1]+"-test" && t.Image != "" {
			got = append(got, t.Entrypoint[1])
		}
	}
	if !slices.Equal(got, tests) {
		r.error("scorecard/config", "whole tests are %v, want %v", got, tests)
	}
}
