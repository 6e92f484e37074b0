package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// dropSeed takes the number of replicas out of an object that says that an autoscaler
// decides on it, and reports whether there was one: a Create has begun with it.
func dropSeed(body *unstructured.Unstructured) bool {
	spec, _ := body.Object["spec"].(map[string]any)
	if body.GetAnnotations()[names.ReplicasAnnotation] != names.ReplicasAutoscaled || spec == nil {
		return false
	}
	seed := spec["replicas"]
	delete(spec, "replicas")
	return seed != nil
}

// unscaled is the object without the number of replicas that dropSeed would take out of it.
func unscaled(object client.Object) client.Object {
	deployment, is := object.(*appsv1.Deployment)
	if !is || deployment.Annotations[names.ReplicasAnnotation] != names.ReplicasAutoscaled {
		return object
	}
	without := *deployment
	without.Spec.Replicas = nil
	return &without
}

// leaveReplicas returns what is to be applied over live: want, or where somebody else
// decides on the number of replicas, want without it.
func (a *Applier) leaveReplicas(ctx context.Context, owner Owner, want *desired, live *unstructured.Unstructured) (*desired, error) {
	left := want.autoscaled
	if number := replicasOf(want.body); !left && number != nil {
		var err error
		if left, err = a.scaledByOthers(ctx, owner, want, live); err != nil {
			return nil, err
		}
	}
	if !left {
		return want, nil
	}
	if err := a.disown(ctx, live); err != nil {
		return nil, fmt.Errorf("leaving the replicas of %s alone: %w", want.id, err)
	}
	ours := *want
	ours.body = want.body.DeepCopy()
	delete(ours.body.Object["spec"].(map[string]any), "replicas")
	return &ours, nil
}

// scaledByOthers says whether the number of replicas was set by an autoscaler, or by
// somebody with kubectl scale. It stays until another number is asked for; where there
// is an autoscaler, also then.
func (a *Applier) scaledByOthers(ctx context.Context, owner Owner, want *desired, live *unstructured.Unstructured) (bool, error) {
	managed := live.GetManagedFields()
	scaled := slices.ContainsFunc(managed, func(entry metav1.ManagedFieldsEntry) bool {
		_, has := replicasIn(&entry)
		return has && entry.Subresource == "scale"
	})
	if !scaled {
		return false, nil
	}
	if live.GetAnnotations()[names.ReplicasAnnotation] == want.body.GetAnnotations()[names.ReplicasAnnotation] {
		return true, nil
	}
	var list autoscalingv2.HorizontalPodAutoscalerList
	if err := a.opts.Live.List(ctx, &list, client.InNamespace(want.id.key.Namespace)); err != nil {
		return false, fmt.Errorf("looking for an autoscaler of %s: %w", want.id, err)
	}
	for i := range list.Items {
		target := list.Items[i].Spec.ScaleTargetRef
		// One of ours is not wanted any more.
		if target.Kind == want.id.gk.Kind && target.Name == want.id.key.Name && !owner.Owns(&list.Items[i]) {
			return true, nil
		}
	}
	return false, nil
}

// disown has us own the number no longer. What an apply drops that is not ours stays:
// a number that its only owner drops is reset to its default, which is one replica.
func (a *Applier) disown(ctx context.Context, live *unstructured.Unstructured) error {
	managed, changed := live.GetManagedFields(), false
	for i := range managed {
		entry := &managed[i]
		fields, has := replicasIn(entry)
		if !has || entry.Manager != string(FieldManager) {
			continue
		}
		delete(fields["f:spec"].(map[string]any), "f:replicas")
		data, err := json.Marshal(fields)
		if err != nil {
			return err
		}
		entry.FieldsV1.SetRawBytes(data)
		changed = true
	}
	if !changed {
		return nil
	}
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": managed},
		// Who changes the number meanwhile is right.
		{"op": "replace", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()},
	})
	if err != nil {
		return err
	}
	return a.opts.Client.Patch(ctx, live, client.RawPatch(types.JSONPatchType, patch), FieldManager)
}

// replicasIn returns the fields of an entry, and whether the number is among them.
func replicasIn(entry *metav1.ManagedFieldsEntry) (fields map[string]any, has bool) {
	if entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
		return nil, false
	}
	spec, _ := fields["f:spec"].(map[string]any)
	_, has = spec["f:replicas"]
	return fields, has
}

func replicasOf(object *unstructured.Unstructured) any {
	spec, _ := object.Object["spec"].(map[string]any)
	return spec["replicas"]
}

// unwritten says whether live is what was applied, from the very state that is desired
// now, which its hash is a part of.
func unwritten(want *desired, live *unstructured.Unstructured) bool {
	return agrees(want.body.Object, live.Object)
}
