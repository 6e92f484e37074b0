package folder

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

func TestSetDefaults(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"no rules", `{"spec":{}}`,
			`{"spec":{"rules":[{"matches":[{"path":{"type":"PathPrefix","value":"/"}}]}]}}`},
		{"an empty list is not absent", `{"spec":{"rules":[{"matches":[]}]}}`,
			`{"spec":{"rules":[{"matches":[]}]}}`},
		{"null is absent", `{"spec":{"rules":[{"matches":null}]}}`,
			`{"spec":{"rules":[{"matches":[{"path":{"type":"PathPrefix","value":"/"}}]}]}}`},
		{"a path without a type", `{"spec":{"rules":[{"matches":[{"path":{"value":"/a"}}]}]}}`,
			`{"spec":{"rules":[{"matches":[{"path":{"type":"PathPrefix","value":"/a"}}]}]}}`},
		{"weight zero stays", `{"spec":{"rules":[{"matches":[],"backendRefs":[{"name":"a","weight":0},{"name":"b"}]}]}}`,
			`{"spec":{"rules":[{"backendRefs":[{"group":"","kind":"Service","name":"a","weight":0},{"group":"","kind":"Service","name":"b","weight":1}],"matches":[]}]}}`},
		{"a wrong shape is left alone", `{"spec":{"rules":"all"}}`, `{"spec":{"rules":"all"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var doc map[string]any
			if err := json.Unmarshal([]byte(tt.in), &doc); err != nil {
				t.Fatal(err)
			}
			setDefaults(doc, httpRouteDefaults())
			got, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The tables must say what the schemas of the Gateway API's own release say.
func TestDefaultsAreThoseOfTheRelease(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		t.Fatalf("finding the module: %v", err)
	}
	const experimental = "gateway.networking.x-k8s.io_"
	tests := map[string][]fieldDefault{
		"gatewayclasses": nil,
		"gateways":       gatewayDefaults(),
		"httproutes":     httpRouteDefaults(),
		"grpcroutes":     grpcRouteDefaults(),
		"tcproutes":      l4RouteDefaults(),
		"tlsroutes":      l4RouteDefaults(),
		"udproutes":      l4RouteDefaults(),
		"listenersets":   listenerSetDefaults(),

		"backendtlspolicies": nil,

		experimental + "xbackends":               xbackendDefaults(),
		experimental + "xbackendtrafficpolicies": trafficPolicyDefaults(),
		experimental + "xtelemetrypolicies":      telemetryPolicyDefaults(),
	}
	for name, table := range tests {
		t.Run(name, func(t *testing.T) {
			if !strings.HasPrefix(name, experimental) {
				name = "gateway.networking.k8s.io_" + name
			}
			path := filepath.Join(strings.TrimSpace(string(dir)), "config/crd/experimental", name+".yaml")
			compareDefaults(t, path, table)
		})
	}
}

func TestDefaultsAreThoseOfOurCRD(t *testing.T) {
	compareDefaults(t, "../../../../config/crd/bases/fleetgate.io_gatewayparameters.yaml", parametersDefaults())
}

func compareDefaults(t *testing.T, crd string, table []fieldDefault) {
	t.Helper()
	var got []string
	for _, d := range table {
		got = append(got, d.path+" "+d.value)
	}
	if diff := cmp.Diff(released(t, crd), got); diff != "" {
		t.Errorf("(-schema +table)\n%s", diff)
	}
}

// released lists the defaults in the schema of the version that is stored, status
// apart.
func released(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(crd.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool { return v.Storage })
	var lines []string
	walk(*crd.Spec.Versions[i].Schema.OpenAPIV3Schema, "", func(path string, value []byte) {
		if strings.HasPrefix(path, "spec.") {
			lines = append(lines, path+" "+string(value))
		}
	})
	return lines
}

// walk visits the defaults of a schema, outer fields first.
func walk(s apiextensionsv1.JSONSchemaProps, path string, visit func(path string, value []byte)) {
	if s.Default != nil {
		visit(path, s.Default.Raw)
	}
	if s.Items != nil && s.Items.Schema != nil {
		walk(*s.Items.Schema, path+"[]", visit)
	}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		walk(s.Properties[name], strings.TrimPrefix(path+"."+name, "."), visit)
	}
}
