package apply

import (
	"fmt"
	"maps"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// HashAnnotation holds the hash of what was applied last.
const HashAnnotation = "fleetgate.io/applied-hash"

// desired is one object as it is to be applied over one that is there.
type desired struct {
	id id
	// body has exactly the fields that we mean to own.
	body *unstructured.Unstructured
	// autoscaled: an autoscaler decides on the number of replicas, which is not in the body.
	autoscaled bool
}

// id tells the objects of one cluster apart.
type id struct {
	gk  schema.GroupKind
	key types.NamespacedName
}

// idOf returns the id of an object that is to be the owner's.
func idOf(obj client.Object, owner Owner, scheme *runtime.Scheme) (id, error) {
	gvk, err := apiutil.GVKForObject(obj, scheme)
	if err != nil {
		return id{}, fmt.Errorf("finding the kind of %T: %w", obj, err)
	}
	return newID(gvk, owner, obj), nil
}

func newID(gvk schema.GroupVersionKind, owner Owner, obj client.Object) id {
	return id{gvk.GroupKind(), types.NamespacedName{Namespace: owner.Namespace, Name: obj.GetName()}}
}

func (i id) String() string { return fmt.Sprintf("%s %s", i.gk.Kind, i.key) }

// prepare turns an object into the body of an apply: with the owner's reference
// and labels, with the hash of all that, and without what typed objects encode
// although nobody set it.
func prepare(obj client.Object, owner Owner, hash string, scheme *runtime.Scheme) (*desired, error) {
	gvk, err := apiutil.GVKForObject(obj, scheme)
	if err != nil {
		return nil, fmt.Errorf("finding the kind of %T: %w", obj, err)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, fmt.Errorf("converting %s %s: %w", gvk.Kind, obj.GetName(), err)
	}
	delete(fields, "status")
	prune(fields)
	body := &unstructured.Unstructured{Object: fields}
	body.SetGroupVersionKind(gvk)
	body.SetNamespace(owner.Namespace)
	body.SetLabels(with(body.GetLabels(), owner.Labels))
	setOwner(body, owner.Reference())

	autoscaled := dropSeed(body)
	body.SetAnnotations(with(body.GetAnnotations(), map[string]string{HashAnnotation: hash}))
	return &desired{
		id:         newID(gvk, owner, obj),
		body:       body,
		autoscaled: autoscaled,
	}, nil
}

// newborn returns the object as it is to be created. It has all but its metadata in
// common with the one that is given.
func newborn(obj client.Object, owner Owner, hash string, scheme *runtime.Scheme) (client.Object, error) {
	gvk, err := apiutil.GVKForObject(obj, scheme)
	if err != nil {
		return nil, fmt.Errorf("finding the kind of %T: %w", obj, err)
	}
	object := reflect.New(reflect.TypeOf(obj).Elem())
	object.Elem().Set(reflect.ValueOf(obj).Elem())
	body := object.Interface().(client.Object)
	body.GetObjectKind().SetGroupVersionKind(gvk)
	body.SetNamespace(owner.Namespace)
	body.SetLabels(with(maps.Clone(body.GetLabels()), owner.Labels))
	body.SetAnnotations(with(maps.Clone(body.GetAnnotations()), map[string]string{HashAnnotation: hash}))
	body.SetOwnerReferences([]metav1.OwnerReference{owner.Reference()})
	return body, nil
}

// setOwner writes the only ownerReference, in the form that decoded JSON has.
func setOwner(body *unstructured.Unstructured, ref metav1.OwnerReference) {
	body.Object["metadata"].(map[string]any)["ownerReferences"] = []any{map[string]any{
		"apiVersion": ref.APIVersion, "kind": ref.Kind, "name": ref.Name, "uid": string(ref.UID), "controller": true,
	}}
}

// prune removes nulls, and objects that are empty because a typed field is not
// a pointer. An empty object below "emptyDir" and its like means something;
// these are the only fields of the kinds that we write where it does.
func prune(fields map[string]any) {
	for key, value := range fields {
		switch value := value.(type) {
		case nil:
			delete(fields, key)
		case map[string]any:
			prune(value)
			if len(value) == 0 && (key == "strategy" || key == "resources" || key == "metadata" || key == "updateStrategy") {
				delete(fields, key)
			}
		case []any:
			for _, item := range value {
				if item, ok := item.(map[string]any); ok {
					prune(item)
				}
			}
		}
	}
}

// with returns base, which may be nil, with what is in more.
func with(base, more map[string]string) map[string]string {
	if base == nil {
		base = make(map[string]string, len(more))
	}
	maps.Copy(base, more)
	return base
}
