package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Drift is what others have made their own of the fields that a workload is to have.
type Drift struct {
	// Pods says that it is in the template, and the pods are being replaced for that,
	// and Rest that it is elsewhere. The number of replicas does not count.
	Pods, Rest bool
}

// Drift tells by the managers of its fields what somebody else has changed of the live
// workload, whatever is wanted of it now. It reads the object from the API server, and
// finds nothing of one that is not the owner's.
func (a *Applier) Drift(ctx context.Context, owner Owner, workload client.Object) (Drift, error) {
	want, err := prepare(workload, owner, "", a.opts.Client.Scheme())
	if err != nil {
		return Drift{}, err
	}
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(want.body.GroupVersionKind())
	if err := a.opts.Live.Get(ctx, want.id.key, live); err != nil {
		if apierrors.IsNotFound(err) {
			return Drift{}, nil
		}
		return Drift{}, fmt.Errorf("reading %s: %w", want.id, err)
	}
	if !owner.Owns(live) {
		return Drift{}, nil
	}
	return driftOf(want.body.Object, live.GetManagedFields()), nil
}

func driftOf(wanted map[string]any, entries []metav1.ManagedFieldsEntry) (drift Drift) {
	spec, _ := wanted["spec"].(map[string]any)
	pods := map[string]any{"spec": map[string]any{"template": spec["template"]}}
	rest := map[string]any{"metadata": wanted["metadata"], "spec": without(spec, "template", "replicas")}
	var ours []map[string]any
	for _, entry := range entries {
		if entry.Manager == string(FieldManager) {
			ours = append(ours, fieldsOf(entry))
		}
	}
	for _, entry := range entries {
		if entry.Manager == string(FieldManager) || entry.Subresource != "" {
			continue
		}
		theirs := fieldsOf(entry)
		drift.Pods = drift.Pods || taken(theirs, ours, pods)
		drift.Rest = drift.Rest || taken(theirs, ours, rest)
	}
	return drift
}

func without(fields map[string]any, names ...string) map[string]any {
	rest := make(map[string]any, len(fields))
	for key, value := range fields {
		rest[key] = value
	}
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// fieldsOf reads the fields of a manager, which are a tree of "f:name", of "k:{...}" for
// an item of a list by its keys, and of "v:value" for an item of a set; a leaf is an
// empty object (FieldsV1).
func fieldsOf(entry metav1.ManagedFieldsEntry) map[string]any {
	var fields map[string]any
	if entry.FieldsV1 != nil && json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
		return nil
	}
	return fields
}

// taken says whether theirs has a leaf of what is wanted that none of ours has.
func taken(theirs map[string]any, ours []map[string]any, wanted any) bool {
	for step, below := range theirs {
		value, set := follow(step, wanted)
		if !set {
			continue
		}
		fields, _ := below.(map[string]any)
		var mine []map[string]any
		for _, own := range ours {
			if same, has := own[step].(map[string]any); has {
				mine = append(mine, same)
			}
		}
		if len(fields) == 0 {
			if len(mine) == 0 {
				return true
			}
			continue
		}
		if taken(fields, mine, value) {
			return true
		}
	}
	return false
}

// follow takes one step of FieldsV1 down into a value.
func follow(step string, value any) (any, bool) {
	kind, rest, _ := strings.Cut(step, ":")
	switch kind {
	case "f":
		fields, _ := value.(map[string]any)
		below, set := fields[rest]
		return below, set
	case "k":
		return item(rest, value)
	}
	return nil, false
}

// item finds the one of a list that has the keys.
func item(keys string, value any) (any, bool) {
	var want map[string]any
	if json.Unmarshal([]byte(keys), &want) != nil {
		return nil, false
	}
	items, _ := value.([]any)
	for _, item := range items {
		fields, _ := item.(map[string]any)
		if matches(fields, want) {
			return item, true
		}
	}
	return nil, false
}

// matches compares as text, as numbers are decoded in two ways.
func matches(fields, keys map[string]any) bool {
	for key, value := range keys {
		if fmt.Sprint(fields[key]) != fmt.Sprint(value) {
			return false
		}
	}
	return len(fields) > 0
}
