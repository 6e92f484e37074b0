package view

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// Indexes are the fields by which a View can be listed. The values are computed
// when they are asked for: the lists of a folder are short. It is safe for
// concurrent use.
type Indexes struct {
	scheme *runtime.Scheme

	mu     sync.RWMutex
	values map[index]client.IndexerFunc
}

type index struct {
	kind  schema.GroupVersionKind
	field string
}

var _ client.FieldIndexer = (*Indexes)(nil)

// NewIndexes returns an empty set.
func NewIndexes(scheme *runtime.Scheme) *Indexes {
	return &Indexes{scheme: scheme, values: map[index]client.IndexerFunc{}}
}

// IndexField implements client.FieldIndexer.
func (x *Indexes) IndexField(_ context.Context, object client.Object, field string, values client.IndexerFunc) error {
	gvk, err := apiutil.GVKForObject(object, x.scheme)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, taken := x.values[index{gvk, field}]; taken {
		return fmt.Errorf("%s has an index %q already", gvk.Kind, field)
	}
	x.values[index{gvk, field}] = values
	return nil
}

// selector turns a field selector into a predicate. As with a cache, only
// equality on an indexed field can be asked for.
func (x *Indexes) selector(gvk schema.GroupVersionKind, s fields.Selector) (func(client.Object) bool, error) {
	var all []func(client.Object) bool
	if s != nil {
		for _, r := range s.Requirements() {
			one, err := x.requirement(gvk, r)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
	}
	return func(o client.Object) bool {
		return !slices.ContainsFunc(all, func(holds func(client.Object) bool) bool { return !holds(o) })
	}, nil
}

func (x *Indexes) requirement(gvk schema.GroupVersionKind, r fields.Requirement) (func(client.Object) bool, error) {
	if r.Operator != selection.Equals && r.Operator != selection.DoubleEquals {
		return nil, fmt.Errorf("field %q of %s: only equality can be asked for", r.Field, gvk.Kind)
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	values, ok := x.values[index{gvk, r.Field}]
	if !ok {
		return nil, fmt.Errorf("%s has no index %q", gvk.Kind, r.Field)
	}
	return func(o client.Object) bool { return slices.Contains(values(o), r.Value) }, nil
}
