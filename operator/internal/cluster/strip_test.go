package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// bloated is metadata with everything that objects collect over time.
func bloated(labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: "ns", Name: "name", UID: "uid", ResourceVersion: "7", Generation: 3, Labels: labels,
		Annotations:     map[string]string{corev1.LastAppliedConfigAnnotation: "{...}", "gateway.networking.k8s.io/bundle-version": "v1.7.0", "gateway.networking.k8s.io/channel": "standard"},
		ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "rs"}},
	}
}

func slim(labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "ns", Name: "name", UID: "uid", ResourceVersion: "7", Generation: 3, Labels: labels}
}

// owned is the metadata with a Service that controls the object.
func owned(meta metav1.ObjectMeta) metav1.ObjectMeta {
	meta.OwnerReferences = []metav1.OwnerReference{{Kind: "Service", Name: "api-x7k2p", UID: "u", Controller: new(true)}}
	return meta
}

// fleets is the metadata with a Gateway that controls the object.
func fleets(meta metav1.ObjectMeta) metav1.ObjectMeta {
	meta.OwnerReferences = []metav1.OwnerReference{{Kind: "Gateway", Name: "gw", UID: "u", Controller: new(true)}}
	return meta
}

func metadataWith(meta metav1.ObjectMeta) *metav1.PartialObjectMetadata {
	object := ConfigMapMetadata()
	object.ObjectMeta = meta
	return object
}

func TestStrip(t *testing.T) {
	labels := map[string]string{"a": "b"}
	ours := map[string]string{names.LabelManagedBy: names.ManagedBy}
	served := map[string]string{discoveryv1.LabelServiceName: "svc"}
	crd := CRDMetadata()
	crd.ObjectMeta = bloated(labels)
	crd.Annotations["gateway.networking.k8s.io/channel"] = "standard"
	slimCRD := CRDMetadata()
	slimCRD.ObjectMeta = slim(nil)
	slimCRD.Annotations = map[string]string{"gateway.networking.k8s.io/bundle-version": "v1.7.0", "gateway.networking.k8s.io/channel": "standard"}
	ready := corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue}
	selected := map[string]string{discoveryv1.LabelServiceName: "api-x7k2p", names.LabelXBackend: "api"}
	own, unlabelled := bloated(ours), bloated(nil)
	for _, meta := range []*metav1.ObjectMeta{&own, &unlabelled} {
		meta.ManagedFields = nil
		delete(meta.Annotations, corev1.LastAppliedConfigAnnotation)
	}

	tests := []struct {
		name     string
		strip    cache.TransformFunc
		in, want client.Object
	}{
		{"a pod", stripPod, &corev1.Pod{ObjectMeta: bloated(labels), Spec: corev1.PodSpec{NodeName: "n"}, Status: corev1.PodStatus{
			PodIP: "10.0.0.1", Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled}, {Type: corev1.PodReady, Status: corev1.ConditionTrue, Message: "m"}},
		}}, &corev1.Pod{ObjectMeta: slim(labels), Status: corev1.PodStatus{PodIP: "10.0.0.1", Conditions: []corev1.PodCondition{ready}}}},
		{"a user's ConfigMap", stripMetadata, metadataWith(bloated(labels)), metadataWith(slim(nil))},
		{"a fleet's ConfigMap", stripMetadata, metadataWith(bloated(ours)), metadataWith(own)},
		{"a fleet's ConfigMap without its label", stripMetadata, metadataWith(fleets(bloated(nil))), metadataWith(fleets(unlabelled))},
		{"a user's Service", stripService, &corev1.Service{ObjectMeta: bloated(labels), Spec: corev1.ServiceSpec{
			Selector: labels, Ports: []corev1.ServicePort{{Port: 80}},
		}}, &corev1.Service{ObjectMeta: slim(nil), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}},
		{"a fleet's Service", stripService, &corev1.Service{ObjectMeta: bloated(ours), Spec: corev1.ServiceSpec{Selector: labels}},
			&corev1.Service{ObjectMeta: own, Spec: corev1.ServiceSpec{Selector: labels}}},
		{"an EndpointSlice", stripEndpoints, &discoveryv1.EndpointSlice{ObjectMeta: bloated(served), Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{"10.0.0.1"}, TargetRef: &corev1.ObjectReference{Name: "p"}, NodeName: new("n"), Zone: new("z"),
		}}}, &discoveryv1.EndpointSlice{ObjectMeta: slim(served), Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{"10.0.0.1"}, Zone: new("z"),
		}}}},
		{"an EndpointSlice of an XBackend", stripEndpoints, &discoveryv1.EndpointSlice{ObjectMeta: owned(bloated(selected))},
			&discoveryv1.EndpointSlice{ObjectMeta: owned(slim(selected))}},
		{"an EndpointSlice of a Service", stripEndpoints, &discoveryv1.EndpointSlice{ObjectMeta: owned(bloated(served))},
			&discoveryv1.EndpointSlice{ObjectMeta: slim(served)}},
		{"a Namespace", stripNamespace, &corev1.Namespace{ObjectMeta: bloated(labels), Spec: corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{"x"}}},
			&corev1.Namespace{ObjectMeta: slim(labels)}},
		{"a CRD", stripCRD, crd, slimCRD},
		{"a ServiceMonitor of somebody else", strip, &monitoringv1.ServiceMonitor{
			ObjectMeta: bloated(labels), Spec: monitoringv1.ServiceMonitorSpec{JobLabel: "x"},
		}, &monitoringv1.ServiceMonitor{ObjectMeta: slim(nil)}},
		{"a Prometheus", strip, &monitoringv1.Prometheus{
			ObjectMeta: bloated(labels), Spec: monitoringv1.PrometheusSpec{CommonPrometheusFields: monitoringv1.CommonPrometheusFields{
				ServiceMonitorSelector: &metav1.LabelSelector{MatchLabels: labels}, Version: "x",
			}},
		}, &monitoringv1.Prometheus{ObjectMeta: slim(nil), Spec: monitoringv1.PrometheusSpec{CommonPrometheusFields: monitoringv1.CommonPrometheusFields{
			ServiceMonitorSelector: &metav1.LabelSelector{MatchLabels: labels},
		}}}},
		{"a fleet's ServiceMonitor", strip, &monitoringv1.ServiceMonitor{
			ObjectMeta: bloated(ours), Spec: monitoringv1.ServiceMonitorSpec{JobLabel: "x"},
		}, &monitoringv1.ServiceMonitor{ObjectMeta: own, Spec: monitoringv1.ServiceMonitorSpec{JobLabel: "x"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.strip(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if _, err := tt.strip(cache.DeletedFinalStateUnknown{Key: "ns/name"}); err != nil {
				t.Errorf("a tombstone: %v", err)
			}
		})
	}
}
