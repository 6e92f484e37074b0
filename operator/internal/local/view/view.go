package view

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// View serves typed reads from objects in memory. What it returns is the
// caller's own copy. It is safe for concurrent use.
type View struct {
	scheme  *runtime.Scheme
	indexes *Indexes
	objects map[schema.GroupVersionKind][]client.Object
}

var _ client.Reader = (*View)(nil)

// New returns a View of the objects, whose types must be known to the scheme
// and which must not change from now on. A list has their order.
func New(scheme *runtime.Scheme, indexes *Indexes, objects []client.Object) (*View, error) {
	v := &View{scheme: scheme, indexes: indexes, objects: map[schema.GroupVersionKind][]client.Object{}}
	for _, o := range objects {
		gvk, err := apiutil.GVKForObject(o, scheme)
		if err != nil {
			return nil, fmt.Errorf("viewing %T %s/%s: %w", o, o.GetNamespace(), o.GetName(), err)
		}
		v.objects[gvk] = append(v.objects[gvk], o)
	}
	return v, nil
}

// Get implements client.Reader.
func (v *View) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	gvk, err := apiutil.GVKForObject(into, v.scheme)
	if err != nil {
		return err
	}
	for _, o := range v.objects[gvk] {
		if client.ObjectKeyFromObject(o) == key {
			return copyInto(o, into)
		}
	}
	// As an informer cache does, the resource is named by its kind.
	return apierrors.NewNotFound(schema.GroupResource{Group: gvk.Group, Resource: gvk.Kind}, key.Name)
}

func copyInto(from, into client.Object) error {
	target := reflect.ValueOf(into)
	source := reflect.ValueOf(from.DeepCopyObject())
	if source.Type() != target.Type() {
		return fmt.Errorf("cannot read a %T into a %T", from, into)
	}
	target.Elem().Set(source.Elem())
	return nil
}

// List implements client.Reader with namespace, labels and indexed fields.
func (v *View) List(_ context.Context, into client.ObjectList, opts ...client.ListOption) error {
	gvk, err := apiutil.GVKForObject(into, v.scheme)
	if err != nil {
		return err
	}
	gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	var o client.ListOptions
	o.ApplyOptions(opts)
	byField, err := v.indexes.selector(gvk, o.FieldSelector)
	if err != nil {
		return err
	}
	var items []runtime.Object
	for _, object := range v.objects[gvk] {
		if inScope(object, &o) && byField(object) {
			items = append(items, object.DeepCopyObject())
		}
	}
	return meta.SetList(into, items)
}

func inScope(object client.Object, o *client.ListOptions) bool {
	if o.Namespace != "" && o.Namespace != object.GetNamespace() {
		return false
	}
	return o.LabelSelector == nil || o.LabelSelector.Matches(labels.Set(object.GetLabels()))
}
