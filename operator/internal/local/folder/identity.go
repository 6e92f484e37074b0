package folder

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// identities remembers what an API server would have stored of each object
// beside its text.
type identities struct {
	now     func() time.Time
	known   map[key]*identity
	version int64
}

type identity struct {
	created    metav1.Time
	generation int64
	version    int64
	// content and spec tell whether the object has changed, and whether more
	// of it has than its metadata.
	content, spec string
}

func newIdentities(now func() time.Time) *identities {
	return &identities{now: now, known: map[key]*identity{}}
}

// complete gives each object that was decoded anew its identity, and forgets
// the objects that are gone. Objects that were completed before are not
// touched, because others may read them.
func (ids *identities) complete(objects map[key]client.Object) {
	for k, o := range objects {
		if o.GetUID() == "" {
			ids.identify(k, o)
		}
	}
	for k := range ids.known {
		if _, ok := objects[k]; !ok {
			delete(ids.known, k)
		}
	}
}

func (ids *identities) identify(k key, o client.Object) {
	id := ids.known[k]
	if id == nil {
		id = &identity{created: metav1.NewTime(ids.now().Truncate(time.Second))}
		ids.known[k] = id
	}
	content, spec := fingerprints(o)
	if content != id.content {
		ids.version++
		id.version = ids.version
	}
	if spec != id.spec {
		id.generation++
	}
	id.content, id.spec = content, spec

	o.SetUID(uid(k))
	o.SetCreationTimestamp(id.created)
	o.SetGeneration(id.generation)
	o.SetResourceVersion(strconv.FormatInt(id.version, 10))
	o.SetManagedFields(nil)
	own(o)
	if ns, ok := o.(*corev1.Namespace); ok {
		labelNamespace(ns)
	}
}

// own gives the references to an object's owners the UIDs that these have here.
func own(o client.Object) {
	refs := o.GetOwnerReferences()
	for i := range refs {
		group, _ := schema.ParseGroupVersion(refs[i].APIVersion)
		refs[i].UID = uid(key{schema.GroupKind{Group: group.Group, Kind: refs[i].Kind}, types.NamespacedName{Namespace: o.GetNamespace(), Name: refs[i].Name}})
	}
	o.SetOwnerReferences(refs)
}

// uid is stable: an object keeps it while its file is rewritten, and when
// local mode starts again.
func uid(k key) types.UID {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q", []string{k.Group, k.Kind, k.Namespace, k.Name})))
	return types.UID(fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
}

// fingerprints are the object's whole content, and its content without
// metadata.
func fingerprints(o client.Object) (content, spec string) {
	doc, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		panic(fmt.Sprintf("converting a decoded %T: %v", o, err))
	}
	content = encode(doc)
	delete(doc, "metadata")
	return content, encode(doc)
}

func encode(doc map[string]any) string {
	text, err := json.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("encoding a decoded object: %v", err))
	}
	return string(text)
}

// labelNamespace sets the label that every namespace of a cluster has, which
// selectors of allowedRoutes rely on.
func labelNamespace(ns *corev1.Namespace) {
	if ns.Labels == nil {
		ns.Labels = map[string]string{}
	}
	ns.Labels[corev1.LabelMetadataName] = ns.Name
}
