package overlay

import (
	"fmt"
	"maps"
	"reflect"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/parameters"
)

// ownPrefix is that of the labels and annotations that Fleetgate reads.
const ownPrefix = "fleetgate.io/"

// guard collects why an outcome is not allowed. Only the first reason is told: the
// overlay is refused for it as a whole.
type guard struct {
	layer parameters.Layer
	err   error
}

func (g *guard) refuse(field, format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf("%s %s", field, fmt.Sprintf(format, args...))
	}
}

// require refuses what is not so.
func (g *guard) require(so bool, field, format string, args ...any) {
	if !so {
		g.refuse(field, format, args...)
	}
}

// same refuses any change.
func (g *guard) same(field string, before, after any) {
	g.require(equal(before, after), field, "cannot be changed")
}

// byClass refuses what the parameters of a Gateway must not change.
func (g *guard) byClass(field string, before, after any) {
	if g.layer != parameters.LayerClass {
		g.require(equal(before, after), field, "can be changed by the parameters of a GatewayClass alone")
	}
}

// equal takes empty lists and maps for absent ones.
func equal(before, after any) bool {
	a, b := reflect.ValueOf(before), reflect.ValueOf(after)
	if kind := a.Kind(); (kind == reflect.Slice || kind == reflect.Map) && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(before, after)
}

// check says why the one state must not become the other, or nothing.
func check(before, after client.Object, layer parameters.Layer) error {
	g := &guard{layer: layer}
	g.same("kind", before.GetObjectKind().GroupVersionKind(), after.GetObjectKind().GroupVersionKind())
	g.metadata("metadata", metaOf(before), metaOf(after))
	switch before := before.(type) {
	case *appsv1.Deployment:
		after := after.(*appsv1.Deployment)
		g.same("spec.selector", before.Spec.Selector, after.Spec.Selector)
		g.same("spec.replicas", before.Spec.Replicas, after.Spec.Replicas)
		g.same("status", before.Status, after.Status)
		g.template(&before.Spec.Template, &after.Spec.Template)
	case *appsv1.DaemonSet:
		after := after.(*appsv1.DaemonSet)
		g.same("spec.selector", before.Spec.Selector, after.Spec.Selector)
		g.same("status", before.Status, after.Status)
		g.template(&before.Spec.Template, &after.Spec.Template)
	case *corev1.Service:
		g.service(before, after.(*corev1.Service))
	case *corev1.ServiceAccount:
		after := after.(*corev1.ServiceAccount)
		g.same("automountServiceAccountToken", before.AutomountServiceAccountToken, after.AutomountServiceAccountToken)
		g.same("secrets", before.Secrets, after.Secrets)
	case *autoscalingv2.HorizontalPodAutoscaler:
		after := after.(*autoscalingv2.HorizontalPodAutoscaler)
		g.same("spec.scaleTargetRef", before.Spec.ScaleTargetRef, after.Spec.ScaleTargetRef)
		g.same("status", before.Status, after.Status)
	case *policyv1.PodDisruptionBudget:
		after := after.(*policyv1.PodDisruptionBudget)
		g.same("spec.selector", before.Spec.Selector, after.Spec.Selector)
		g.same("status", before.Status, after.Status)
	case *monitoringv1.ServiceMonitor:
		g.monitor(before, after.(*monitoringv1.ServiceMonitor))
	default:
		g.refuse("target", "is not a kind that can be changed")
	}
	return g.err
}

func metaOf(object client.Object) metav1.ObjectMeta {
	return reflect.ValueOf(object).Elem().FieldByName("ObjectMeta").Interface().(metav1.ObjectMeta)
}

// metadata lets labels and annotations be added, and annotations be changed. Everything
// else says what an object is, and whose.
func (g *guard) metadata(field string, before, after metav1.ObjectMeta) {
	for key, text := range before.Labels {
		g.require(after.Labels[key] == text, field+".labels."+key, "cannot be changed")
	}
	for key, text := range after.Labels {
		g.require(before.Labels[key] == text || !strings.HasPrefix(key, ownPrefix), field+".labels."+key, "is Fleetgate's own")
	}
	keys := maps.Clone(after.Annotations)
	if keys == nil {
		keys = make(map[string]string)
	}
	maps.Copy(keys, before.Annotations)
	for key := range keys {
		was, had := before.Annotations[key]
		is, has := after.Annotations[key]
		g.require(was == is && had == has || !strings.HasPrefix(key, ownPrefix), field+".annotations."+key, "is Fleetgate's own")
	}
	for _, meta := range []*metav1.ObjectMeta{&before, &after} {
		meta.Labels, meta.Annotations = nil, nil
	}
	g.same(field+".name", before.Name, after.Name)
	g.same(field+".namespace", before.Namespace, after.Namespace)
	g.same(field+".ownerReferences", before.OwnerReferences, after.OwnerReferences)
	g.same(field+".finalizers", before.Finalizers, after.Finalizers)
	g.require(equal(before, after), field, "cannot be changed but for labels and annotations")
}
