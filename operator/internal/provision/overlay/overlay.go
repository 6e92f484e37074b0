package overlay

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kjson "sigs.k8s.io/json"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
)

// Apply puts the overlays, in their order, over the objects of a fleet, and returns
// those that it refused. The objects are replaced within the slice, and not changed.
// metrics is the name of the Service of the metrics.
func Apply(objects []client.Object, overlays []parameters.Overlay, metrics string) []parameters.Refusal {
	var refused []parameters.Refusal
	for i := range overlays {
		over := &overlays[i]
		at := find(objects, over.Target, metrics)
		if at < 0 {
			continue
		}
		after, err := patched(objects[at], over)
		if err != nil {
			refused = append(refused, parameters.Refusal{Layer: over.Layer, Field: over.Field(), Message: err.Error()})
			continue
		}
		objects[at] = after
	}
	return refused
}

// find returns the index of the target, or -1.
func find(objects []client.Object, target v1alpha1.OverlayTarget, metrics string) int {
	for i, object := range objects {
		if targetOf(object, metrics) == target {
			return i
		}
	}
	return -1
}

func targetOf(object client.Object, metrics string) v1alpha1.OverlayTarget {
	switch object.(type) {
	case *appsv1.Deployment:
		return v1alpha1.OverlayDeployment
	case *appsv1.DaemonSet:
		return v1alpha1.OverlayDaemonSet
	case *corev1.Service:
		if object.GetName() == metrics {
			return v1alpha1.OverlayMetricsService
		}
		return v1alpha1.OverlayService
	case *corev1.ServiceAccount:
		return v1alpha1.OverlayServiceAccount
	case *autoscalingv2.HorizontalPodAutoscaler:
		return v1alpha1.OverlayHorizontalPodAutoscaler
	case *policyv1.PodDisruptionBudget:
		return v1alpha1.OverlayPodDisruptionBudget
	case *monitoringv1.ServiceMonitor:
		return v1alpha1.OverlayServiceMonitor
	}
	return ""
}

// patched returns a new object, or why it may not be.
func patched(before client.Object, over *parameters.Overlay) (after client.Object, err error) {
	// The library of the patches has no promise for those that make no sense.
	defer func() {
		if value := recover(); value != nil {
			after, err = nil, fmt.Errorf("the patch makes no sense: %v", value)
		}
	}()
	original, err := json.Marshal(before)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", over.Target, err)
	}
	outcome, err := merge(original, over.Patch.Raw, before)
	if err != nil {
		return nil, err
	}
	after = reflect.New(reflect.TypeOf(before).Elem()).Interface().(client.Object)
	unknown, err := kjson.UnmarshalStrict(outcome, after)
	if err != nil {
		return nil, fmt.Errorf("the outcome is no %s: %w", over.Target, err)
	}
	if len(unknown) > 0 {
		return nil, unknown[0]
	}
	return after, check(before, after, over.Layer)
}

// merge applies the patch. Lists of kinds that are not Kubernetes' own have no keys,
// and are replaced.
func merge(original, patch []byte, kind client.Object) ([]byte, error) {
	if _, custom := kind.(*monitoringv1.ServiceMonitor); !custom {
		outcome, err := strategicpatch.StrategicMergePatch(original, patch, kind)
		if err != nil {
			return nil, fmt.Errorf("the patch cannot be applied: %w", err)
		}
		return outcome, nil
	}
	var target, changes map[string]any
	if err := errors.Join(json.Unmarshal(original, &target), json.Unmarshal(patch, &changes)); err != nil {
		return nil, fmt.Errorf("the patch cannot be applied: %w", err)
	}
	return json.Marshal(mergeJSON(target, changes))
}

// mergeJSON is RFC 7396.
func mergeJSON(target any, patch any) any {
	changes, isObject := patch.(map[string]any)
	if !isObject {
		return patch
	}
	fields, isObject := target.(map[string]any)
	if !isObject {
		fields = make(map[string]any)
	}
	for key, value := range changes {
		if value == nil {
			delete(fields, key)
			continue
		}
		fields[key] = mergeJSON(fields[key], value)
	}
	return fields
}
