package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

const crdFile = "manifests/fleetgate.io_gatewayparameters.yaml"

func readYAML(t *testing.T, content []byte) any {
	t.Helper()
	var object any
	if err := yaml.Unmarshal(content, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestCRDIsThatOfConfig(t *testing.T) {
	want, err := os.ReadFile(root + "/config/crd/bases/fleetgate.io_gatewayparameters.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(readYAML(t, want), readYAML(t, committed(t)[crdFile])); diff != "" {
		t.Errorf("CRD (-config +bundle)\n%s", diff)
	}
}

func TestExamplesAreTheSamples(t *testing.T) {
	sample, err := os.ReadFile(root + "/config/samples/parameters/gatewayparameters.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var examples []any
	if err := json.Unmarshal([]byte(committedCSV(t).Metadata.Annotations["alm-examples"]), &examples); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{readYAML(t, sample)}, examples); diff != "" {
		t.Errorf("alm-examples (-samples +bundle)\n%s", diff)
	}
}

// Each kind of ours is described, with each field at the top of spec and status, and
// the example has no other.
func TestOwnedKindsAreDescribed(t *testing.T) {
	csv := committedCSV(t)
	var definition apiextensionsv1.CustomResourceDefinition
	decodeFile(t, committed(t), crdFile, &definition)
	owned := csv.Spec.CustomResourceDefinitions.Owned
	if len(owned) != 1 || owned[0].Name != definition.Name || owned[0].Kind != definition.Spec.Names.Kind || owned[0].Version != definition.Spec.Versions[0].Name {
		t.Fatalf("owned are %+v", owned)
	}
	if owned[0].Description == "" || len(owned[0].Resources) == 0 {
		t.Errorf("description %q, resources %v", owned[0].Description, owned[0].Resources)
	}
	described := map[string]bool{}
	for part, list := range map[string][]Descriptor{"spec": owned[0].SpecDescriptors, "status": owned[0].StatusDescriptors} {
		for _, d := range list {
			if d.DisplayName == "" || d.Description == "" {
				t.Errorf("%s of %s: %+v", d.Path, part, d)
			}
			described[part+"."+d.Path] = true
		}
		fields := definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties[part].Properties
		if len(fields) == 0 || len(list) != len(fields) {
			t.Errorf("%d of %d fields of %s are described", len(list), len(fields), part)
		}
	}
	var examples []struct{ Spec map[string]any }
	if err := json.Unmarshal([]byte(csv.Metadata.Annotations["alm-examples"]), &examples); err != nil {
		t.Fatal(err)
	}
	for name := range examples[0].Spec {
		if !described["spec."+name] {
			t.Errorf("the example has spec.%s, which is not described", name)
		}
	}
}

func TestTitle(t *testing.T) {
	for name, want := range map[string]string{"workload": "Workload", "attachedGateways": "Attached Gateways"} {
		if got := title(name); got != want {
			t.Errorf("%s becomes %q", name, got)
		}
	}
}
