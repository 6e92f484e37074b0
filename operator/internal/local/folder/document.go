package folder

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubejson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// decoder turns YAML documents into objects. It is safe for concurrent use.
type decoder struct {
	kinds  map[schema.GroupVersionKind]kind
	strict runtime.Decoder
}

func newDecoder(scheme *runtime.Scheme) *decoder {
	return &decoder{
		kinds: kinds(),
		strict: kubejson.NewSerializerWithOptions(kubejson.DefaultMetaFactory, scheme, scheme,
			kubejson.SerializerOptions{Strict: true}),
	}
}

// file is what one file holds.
type file struct {
	objects []client.Object
	// kept are objects that it held before and that cannot be read any more.
	kept     []client.Object
	problems []Problem
}

// decodeFile reads every document of a file.
func (d *decoder) decodeFile(name string, content []byte) file {
	var f file
	for i, document := range split(content) {
		object, problems := d.decode(Problem{File: name, Document: i + 1}, document)
		if object != nil {
			f.objects = append(f.objects, object)
		}
		f.problems = append(f.problems, problems...)
	}
	return f
}

// decode reads one document; an empty one is neither an object nor a problem.
func (d *decoder) decode(at Problem, document document) (client.Object, []Problem) {
	asJSON, err := yaml.YAMLToJSONStrict(document.text)
	if err != nil {
		at.Message = document.inFile(err.Error())
		return nil, []Problem{at}
	}
	var doc map[string]any
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		at.Message = "a document must be one object with apiVersion and kind"
		return nil, []Problem{at}
	}
	if len(doc) == 0 {
		return nil, nil
	}
	at.Object = describe(doc)
	gvk, k, problem := d.lookUp(doc)
	if problem != "" {
		at.Message = problem
		return nil, []Problem{at}
	}
	doc["apiVersion"] = gvk.GroupVersion().String()
	// The status is the pipeline's to write; a dump's would be another cluster's.
	delete(doc, "status")
	setDefaults(doc, k.defaults)
	return d.decodeTyped(at, doc, k)
}

// lookUp says of which kind the document is, or what is wrong with that.
func (d *decoder) lookUp(doc map[string]any) (schema.GroupVersionKind, kind, string) {
	apiVersion, _ := doc["apiVersion"].(string)
	name, _ := doc["kind"].(string)
	if apiVersion == "" || name == "" {
		return schema.GroupVersionKind{}, kind{}, "apiVersion and kind are required"
	}
	gvk, k, ok := find(d.kinds, schema.FromAPIVersionAndKind(apiVersion, name))
	if !ok {
		return gvk, k, fmt.Sprintf("kind %s of %s is not served in local mode", name, apiVersion)
	}
	return gvk, k, ""
}

// decodeTyped decodes the document strictly and completes its identity.
func (d *decoder) decodeTyped(at Problem, doc map[string]any, k kind) (client.Object, []Problem) {
	completed, err := json.Marshal(doc)
	if err != nil {
		at.Message = err.Error()
		return nil, []Problem{at}
	}
	decoded, _, err := d.strict.Decode(completed, nil, nil)
	if err != nil {
		return nil, decodeProblems(at, err)
	}
	object, ok := decoded.(client.Object)
	if !ok {
		at.Message = "a list must be written as separate documents"
		return nil, []Problem{at}
	}
	if at.Field, at.Message = place(object, k); at.Message != "" {
		return nil, []Problem{at}
	}
	object.SetUID("") // An identity in the text would be a dump's of another cluster.
	if secret, ok := object.(*corev1.Secret); ok {
		mergeStringData(secret)
	}
	return object, nil
}

// place completes the object's name, or says which field of it is wrong.
func place(object client.Object, k kind) (field, problem string) {
	switch {
	case object.GetName() == "":
		return "metadata.name", "is required"
	case k.cluster && object.GetNamespace() != "":
		return "metadata.namespace", "must not be set, the kind has no namespaces"
	case !k.cluster && object.GetNamespace() == "":
		object.SetNamespace(corev1.NamespaceDefault)
	}
	return "", ""
}

// mergeStringData does what an API server does with the write-only field.
func mergeStringData(secret *corev1.Secret) {
	for name, value := range secret.StringData {
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		secret.Data[name] = []byte(value)
	}
	secret.StringData = nil
}

// describe names the object of a document that may yet be refused.
func describe(doc map[string]any) string {
	name, _ := doc["kind"].(string)
	metadata, _ := doc["metadata"].(map[string]any)
	if n, ok := metadata["name"].(string); ok {
		if ns, ok := metadata["namespace"].(string); ok {
			n = ns + "/" + n
		}
		name += " " + n
	}
	return name
}

// key identifies an object among all of a folder.
type key struct {
	schema.GroupKind
	client.ObjectKey
}

func keyOf(object client.Object) key {
	gvk := object.GetObjectKind().GroupVersionKind()
	return key{gvk.GroupKind(), client.ObjectKeyFromObject(object)}
}
