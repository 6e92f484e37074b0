package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
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

func TestTitle(t *testing.T) {
	for name, want := range map[string]string{"workload": "Workload", "attachedGateways": "Attached Gateways"} {
		if got := title(name); got != want {
			t.Errorf("%s becomes %q", name, got)
		}
	}
}
