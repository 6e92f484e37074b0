package check

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

// Bundle returns what is wrong with a bundle, whose files are given by their
// path within it. The order is that of the rules, and then of the files' names.
func Bundle(files map[string][]byte) []Problem {
	r := &report{}
	b := open(r, files)
	b.checkFormat(r)
	b.checkManifests(r)
	if b.csvs != 1 {
		r.error("format/csv", "%d ClusterServiceVersions, want 1", b.csvs)
		return r.problems
	}
	b.checkCSV(r)
	b.checkExamples(r)
	b.checkCRDs(r)
	b.checkImages(r)
	b.checkHub(r)
	b.checkInstall(r)
	b.checkPractices(r)
	b.checkScorecard(r)
	b.checkSuccessor(r)
	return r.problems
}

// bundle is a bundle, read.
type bundle struct {
	files       map[string][]byte
	annotations map[string]string
	manifests   []manifest
	csv         olm.ClusterServiceVersion
	csvs        int
	crds        []apiextensionsv1.CustomResourceDefinition
	examples    []example
}

// manifest is one file of the folder of that name.
type manifest struct {
	file    string
	content []byte
	metav1.PartialObjectMetadata
}

// example is an object that is shown to users.
type example struct {
	metav1.PartialObjectMetadata `json:",inline"`
	Spec                         map[string]any `json:"spec"`
	Status                       map[string]any `json:"status"`
}

func (e *example) kind() schema.GroupVersionKind { return e.GroupVersionKind() }

// open reads what can be read, and reports the rest.
func open(r *report, files map[string][]byte) *bundle {
	b := &bundle{files: files}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasPrefix(name, "manifests/") {
			b.add(r, name)
		}
	}
	var metadata struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := yaml.UnmarshalStrict(files["metadata/annotations.yaml"], &metadata); err != nil {
		r.error("format/annotations", "metadata/annotations.yaml: %v", err)
	}
	b.annotations = metadata.Annotations
	if text := b.csv.Metadata.Annotations["alm-examples"]; text != "" {
		if err := json.Unmarshal([]byte(text), &b.examples); err != nil {
			r.error("csv/examples", "alm-examples: %v", err)
		}
	}
	return b
}

func (b *bundle) add(r *report, name string) {
	m := manifest{file: name, content: b.files[name]}
	text, err := yaml.YAMLToJSONStrict(m.content)
	if err == nil {
		err = json.Unmarshal(text, &m.PartialObjectMetadata)
	}
	switch {
	case err != nil:
	case m.Kind == "ClusterServiceVersion":
		b.csvs++
		err = strict(text, &b.csv)
	case m.Kind == "CustomResourceDefinition":
		var crd apiextensionsv1.CustomResourceDefinition
		err = strict(text, &crd)
		b.crds = append(b.crds, crd)
	}
	if err != nil {
		r.error("format/manifests", "%s: %v", name, err)
	}
	b.manifests = append(b.manifests, m)
}

func strict(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// one reports whether the file holds one document. A first line of comments, or
// a separator before anything else, is none.
func (m *manifest) one() bool {
	return !bytes.Contains(bytes.TrimPrefix(m.content, []byte("---\n")), []byte("\n---"))
}
