package main

import (
	"os"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// The budgets of an API server for the rules of an object.
const (
	costOfCall = 1_000_000
	costInAll  = 10_000_000
)

// judge validates objects as an API server does.
type judge struct {
	structural *schema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

func newJudge(t *testing.T) *judge {
	t.Helper()
	text, err := os.ReadFile(root + "/config/crd/bases/fleetgate.io_gatewayparameters.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &crd); err != nil {
		t.Fatal(err)
	}
	props := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(crd.Spec.Versions[0].Schema.OpenAPIV3Schema, props, nil); err != nil {
		t.Fatal(err)
	}
	j := &judge{}
	if j.structural, err = schema.NewStructural(props); err != nil {
		t.Fatal(err)
	}
	if j.schema, _, err = validation.NewSchemaValidator(props); err != nil {
		t.Fatal(err)
	}
	j.rules = cel.NewValidator(j.structural, true, costOfCall)
	return j
}

// complaints are what an API server says of an object.
func (j *judge) complaints(t *testing.T, object []byte) string {
	t.Helper()
	text, err := yaml.YAMLToJSON(object)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	// As an API server reads numbers: integers as such.
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	defaulting.Default(fields, j.structural)
	errs := validation.ValidateCustomResource(nil, fields, j.schema)
	byRules, _ := j.rules.Validate(t.Context(), nil, j.structural, fields, nil, costInAll)
	var texts []string
	for _, err := range append(errs, byRules...) {
		texts = append(texts, err.Error())
	}
	return strings.Join(texts, "\n")
}

func TestSampleIsValid(t *testing.T) {
	sample, err := os.ReadFile(root + "/config/samples/parameters/gatewayparameters.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := newJudge(t).complaints(t, sample); got != "" {
		t.Error(got)
	}
}

func TestSchemaRefusesWhatOneObjectTells(t *testing.T) {
	judge := newJudge(t)
	for spec, want := range map[string]string{
		"workload: {replicas: 0, autoscaling: {}}":                                   "",
		"workload: {kind: DaemonSet, replicas: 2}":                                   "a DaemonSet has neither replicas nor autoscaling",
		"workload: {autoscaling: {minReplicas: 3, maxReplicas: 2}}":                  "minReplicas is more than maxReplicas",
		"workload: {disruptionBudget: {minAvailable: 1, maxUnavailable: 1}}":         "exclude each other",
		"workload: {updateStrategy: {maxSurge: 25%, maxUnavailable: 0}}":             "",
		"workload: {updateStrategy: {maxSurge: many}}":                               "should match",
		"backends: {hash: {source: Header}}":                                         "a header or cookie has a name",
		"backends: {hash: {source: SourceIP}}":                                       "",
		"backends: {healthCheck: {type: TCP, path: /}}":                              "are for HTTP",
		"backends: {healthCheck: {type: HTTP, service: a}}":                          "is for GRPC",
		"backends: {healthCheck: {interval: 1s}}":                                    "Required value",
		"backends: {healthCheck: {type: HTTP, statuses: [{first: 300, last: 200}]}}": "first is more than last",
		"service: {loadBalancerSourceRanges: [10.0.0.0]}":                            "is not a network",
		"service: {loadBalancerSourceRanges: [10.0.0.0/8, \"2001:db8::/32\"]}":       "",
		"sensor: {mode: \"On\"}":                                                     "Unsupported value",
		"sensor: {mode: Disabled}":                                                   "",
		"sensor: {hostCgroup: \"a:b\"}":                                              "should match",
		"proxy: {drainTimeout: soon}":                                                "should match",
		"proxy: {accessLog: {samplePercent: 101}}":                                   "less than or equal to 100",
		"reserved: [\"workload[0]\"]":                                                "should match",
		"reserved: [workload.replicas]":                                              "",
		"overlays: [{target: Secret, patch: {}}]":                                    "Unsupported value",
		"overlays: [{target: Service, patch: {metadata: {labels: {a: b}}}}]":         "",
		"monitoring: {serviceMonitor: {interval: often}}":                            "should match",
	} {
		got := judge.complaints(t, []byte("apiVersion: fleetgate.io/v1alpha1\nkind: GatewayParameters\nmetadata: {name: a}\nspec: {"+spec+"}\n"))
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", spec, got, want)
		}
	}
}
