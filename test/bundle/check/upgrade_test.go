package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

const older = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  scope: Namespaced
  versions:
  - name: v1
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        required: [kind]
        properties:
          kind: {type: string}
          mode: {type: string, enum: [A, B], default: A}
          name: {type: string, minLength: 1, maxLength: 9, pattern: ^a}
          size: {type: integer, minimum: 1, maximum: 9}
          list: {type: array, minItems: 1, maxItems: 9, items: {type: object, properties: {part: {type: string}}}}
          map: {type: object, maxProperties: 9, additionalProperties: {type: string}}
  - name: v1beta1
    storage: false
    schema: {openAPIV3Schema: {type: object}}
`

func parse(t *testing.T, text []byte) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &crd); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return &crd
}

func TestUpgrade(t *testing.T) {
	for _, test := range []struct{ before, after, want string }{
		{"scope: Namespaced", "scope: Cluster", "upgrade/scope"},
		{"name: v1\n", "name: v2\n", "upgrade/stored-version"},
		{"name: v1beta1", "name: v1beta2", "upgrade/version"},
		{"required: [kind]", "required: [kind, size]", "upgrade/required"},
		{"kind: {type: string}\n          ", "", "upgrade/field"},
		{"part: {type: string}", "other: {type: string}", "upgrade/field"},
		{"size: {type: integer", "size: {type: number", "upgrade/type"},
		{"additionalProperties: {type: string}", "additionalProperties: {type: integer}", "upgrade/type"},
		{"default: A", "default: B", "upgrade/default"},
		{", default: A", "", "upgrade/default"},
		{"kind: {type: string}", "kind: {type: string, default: x}", "upgrade/default"},
		{"kind: {type: string}", "kind: {type: string, enum: [x]}", "upgrade/enum"},
		{"enum: [A, B]", "enum: [A]", "upgrade/enum"},
		{"minimum: 1", "minimum: 2", "upgrade/bounds"},
		{"maximum: 9", "maximum: 8", "upgrade/bounds"},
		{"minLength: 1", "minLength: 2", "upgrade/bounds"},
		{"maxLength: 9", "maxLength: 8", "upgrade/bounds"},
		{"minItems: 1", "minItems: 2", "upgrade/bounds"},
		{"maxItems: 9", "maxItems: 8", "upgrade/bounds"},
		{"maxProperties: 9", "maxProperties: 8, minProperties: 1", "upgrade/bounds"},
		{"part: {type: string}", "part: {type: string, maxLength: 9}", "upgrade/bounds"},
		{"pattern: ^a", "pattern: ^b", "upgrade/pattern"},
		// What leaves every object as valid as it was.
		{"", "", ""},
		{"enum: [A, B]", "enum: [A, B, C]", ""},
		{"enum: [A, B], ", "", ""},
		{"required: [kind]", "required: []", ""},
		{"minimum: 1", "minimum: 0", ""},
		{"maxLength: 9", "maxLength: 10", ""},
		{", pattern: ^a", "", ""},
		{"kind: {type: string}", "kind: {type: string}\n          more: {type: string, maxLength: 1, default: x}", ""},
		{"- name: v1beta1", "- {name: v2, storage: false, schema: {openAPIV3Schema: {type: string}}}\n  - name: v1beta1", ""},
	} {
		changed := strings.Replace(older, test.before, test.after, 1)
		if changed == older && test.before != "" {
			t.Fatalf("%q is not there", test.before)
		}
		got := Upgrade(parse(t, []byte(older)), parse(t, []byte(changed)))
		if test.want == "" && len(got) > 0 || test.want != "" && !slices.Contains(rulesOf(got), test.want) {
			t.Errorf("%q becomes %q: got %v, want %q", test.before, test.after, got, test.want)
		}
	}
}

// Objects of the last release live on under the CRD as it is now.
func TestUpgradeFromTheLastRelease(t *testing.T) {
	tag, err := exec.CommandContext(t.Context(), "git", "-C", root, "describe", "--tags", "--abbrev=0", "--match", "v*").Output()
	if err != nil {
		t.Skip("there is no release yet, or its tag is not at hand")
	}
	const path = "config/crd/bases/fleetgate.io_gatewayparameters.yaml"
	before, err := exec.CommandContext(t.Context(), "git", "-C", root, "show", strings.TrimSpace(string(tag))+":"+path).Output()
	if err != nil {
		t.Skipf("%s has no %s", tag, path)
	}
	after, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range Upgrade(parse(t, before), parse(t, after)) {
		t.Error(p)
	}
}
