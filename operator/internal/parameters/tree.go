package parameters

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// tree is a spec as an API server stores it: objects and maps are trees, everything
// else is a value. What is not set is not there. Its values are never changed.
type tree map[string]any

// treeOf returns what the spec sets, but for reserved and overlays, which are not
// merged.
func treeOf(spec *v1alpha1.GatewayParametersSpec) tree {
	merged := *spec
	merged.Reserved, merged.Overlays = nil, nil
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&merged)
	if err != nil {
		panic("parameters: " + err.Error()) // Our own types.
	}
	t := tree(fields)
	for _, required := range []path{at("backends.hash.source"), at("backends.healthCheck.type")} {
		if value, _ := t.get(required); value == "" {
			t.remove(required)
		}
	}
	t.prune(nil)
	return t
}

// spec is the inverse of treeOf.
func (t tree) spec() v1alpha1.GatewayParametersSpec {
	var spec v1alpha1.GatewayParametersSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(t, &spec); err != nil {
		panic("parameters: " + err.Error())
	}
	return spec
}

// get returns what is at the path, and whether anything is.
func (t tree) get(p path) (any, bool) {
	for _, step := range p[:len(p)-1] {
		child, ok := t[step].(map[string]any)
		if !ok {
			return nil, false
		}
		t = child
	}
	value, ok := t[p[len(p)-1]]
	return value, ok
}

// remove takes away what is at the path, and says whether anything was.
func (t tree) remove(p path) bool {
	_, ok := t.get(p)
	if !ok {
		return false
	}
	in := t
	for _, step := range p[:len(p)-1] {
		in = in[step].(map[string]any)
	}
	delete(in, p[len(p)-1])
	t.prune(nil)
	return true
}

// prune takes away objects without fields, which say nothing, but for the one that
// does.
func (t tree) prune(from path) {
	for name, value := range t {
		child, is := value.(map[string]any)
		if !is {
			continue
		}
		p := from.key(name)
		tree(child).prune(p)
		if len(child) == 0 && !slices.Equal(p, autoscaling) {
			delete(t, name)
		}
	}
}

// autoscaling asks for an autoscaler by being there.
var autoscaling = at("workload.autoscaling")

// over returns a new tree with what t says, and where it says nothing, what base
// says.
func (t tree) over(base tree) tree {
	merged := make(tree, len(base)+len(t))
	for name, value := range base {
		merged[name] = clone(value)
	}
	for name, value := range t {
		object, is := value.(map[string]any)
		under, was := merged[name].(map[string]any)
		switch {
		case is && was:
			merged[name] = map[string]any(tree(object).over(under))
		default:
			merged[name] = clone(value)
		}
	}
	return merged
}

// clone copies the objects of a value, from which fields may be removed.
func clone(value any) any {
	object, is := value.(map[string]any)
	if !is {
		return value
	}
	copied := maps.Clone(object)
	for name, child := range copied {
		copied[name] = clone(child)
	}
	return copied
}
