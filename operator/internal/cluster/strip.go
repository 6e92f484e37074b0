package cluster

import (
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// The functions below take away what nobody reads before an object is cached, or kept in
// another way.
// None of the results is ever written back: what is written is either built
// from scratch or read from the API server first, except for status, whose
// updates leave the rest of an object alone.

// strip takes away what no kind needs. Of a ServiceMonitor that is not a
// fleet's nothing is needed.
func strip(in any) (any, error) {
	if monitor, ok := in.(*monitoringv1.ServiceMonitor); ok && monitor.Labels[names.LabelManagedBy] != names.ManagedBy {
		return &monitoringv1.ServiceMonitor{ObjectMeta: identity(&monitor.ObjectMeta)}, nil
	}
	if prometheus, ok := in.(*monitoringv1.Prometheus); ok {
		return stripPrometheus(prometheus), nil
	}
	if obj, ok := in.(metav1.Object); ok {
		obj.SetManagedFields(nil)
		if annotations := obj.GetAnnotations(); annotations[corev1.LastAppliedConfigAnnotation] != "" {
			if delete(annotations, corev1.LastAppliedConfigAnnotation); len(annotations) == 0 {
				obj.SetAnnotations(nil)
			}
		}
	}
	return in, nil
}

// stripPrometheus leaves what says which ServiceMonitors are selected.
func stripPrometheus(p *monitoringv1.Prometheus) *monitoringv1.Prometheus {
	slim := &monitoringv1.Prometheus{ObjectMeta: identity(&p.ObjectMeta)}
	slim.Spec.ServiceMonitorSelector = p.Spec.ServiceMonitorSelector
	slim.Spec.ServiceMonitorNamespaceSelector = p.Spec.ServiceMonitorNamespaceSelector
	return slim
}

func stripPod(in any) (any, error) {
	pod, ok := in.(*corev1.Pod)
	if !ok {
		return in, nil
	}
	slim := &corev1.Pod{ObjectMeta: identity(&pod.ObjectMeta)}
	slim.Labels = pod.Labels
	slim.Status.PodIP = pod.Status.PodIP
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			slim.Status.Conditions = []corev1.PodCondition{{Type: condition.Type, Status: condition.Status}}
		}
	}
	return slim, nil
}

// stripMetadata is for kinds of which the metadata alone are cached. It leaves those of
// fleets, also of objects that somebody took the label from. Of others it is enough to
// see that there is a new version.
func stripMetadata(in any) (any, error) {
	object, ok := in.(*metav1.PartialObjectMetadata)
	if !ok || object.Labels[names.LabelManagedBy] == names.ManagedBy {
		return strip(in)
	}
	if owner := metav1.GetControllerOf(object); owner != nil && owner.Kind == "Gateway" {
		return strip(in)
	}
	object.ObjectMeta = identity(&object.ObjectMeta)
	return object, nil
}

// stripService leaves the Services of fleets whole, as they are compared with
// what they ought to be.
func stripService(in any) (any, error) {
	service, ok := in.(*corev1.Service)
	if !ok || service.Labels[names.LabelManagedBy] == names.ManagedBy {
		return strip(in)
	}
	service.ObjectMeta = identity(&service.ObjectMeta)
	spec := &service.Spec
	service.Spec = corev1.ServiceSpec{
		Type: spec.Type, Ports: spec.Ports, ClusterIP: spec.ClusterIP, ClusterIPs: spec.ClusterIPs, ExternalName: spec.ExternalName,
		SessionAffinity: spec.SessionAffinity,
	}
	service.Status = corev1.ServiceStatus{}
	return service, nil
}

func stripEndpoints(in any) (any, error) {
	slice, ok := in.(*discoveryv1.EndpointSlice)
	if !ok {
		return in, nil
	}
	labels, owner := slice.Labels, metav1.GetControllerOf(slice)
	slice.ObjectMeta = identity(&slice.ObjectMeta)
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: labels[discoveryv1.LabelServiceName]}
	if backend := labels[names.LabelXBackend]; backend != "" {
		slice.Labels[names.LabelXBackend] = backend
		if owner != nil {
			slice.OwnerReferences = []metav1.OwnerReference{*owner}
		}
	}
	for i := range slice.Endpoints {
		endpoint := &slice.Endpoints[i]
		endpoint.TargetRef, endpoint.NodeName, endpoint.Hints, endpoint.DeprecatedTopology = nil, nil, nil, nil
	}
	return slice, nil
}

func stripNamespace(in any) (any, error) {
	namespace, ok := in.(*corev1.Namespace)
	if !ok {
		return in, nil
	}
	slim := &corev1.Namespace{ObjectMeta: identity(&namespace.ObjectMeta)}
	slim.Labels = namespace.Labels
	return slim, nil
}

func stripCRD(in any) (any, error) {
	crd, ok := in.(*metav1.PartialObjectMetadata)
	if !ok {
		return in, nil
	}
	all := crd.Annotations
	crd.ObjectMeta = identity(&crd.ObjectMeta)
	for _, name := range []string{consts.BundleVersionAnnotation, consts.ChannelAnnotation} {
		if text, has := all[name]; has {
			metav1.SetMetaDataAnnotation(&crd.ObjectMeta, name, text)
		}
	}
	return crd, nil
}

func slimSecret(secret *corev1.Secret) { secret.ManagedFields = nil }

// slimConfigMap leaves the one key that a Gateway may name, the one with CA certificates.
func slimConfigMap(configMap *corev1.ConfigMap) {
	slim := corev1.ConfigMap{ObjectMeta: identity(&configMap.ObjectMeta)}
	if bundle, ok := configMap.Data[corev1.ServiceAccountRootCAKey]; ok {
		slim.Data = map[string]string{corev1.ServiceAccountRootCAKey: bundle}
	}
	*configMap = slim
}

// identity is what tells one state of an object from another.
func identity(meta *metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: meta.Namespace, Name: meta.Name, UID: meta.UID, ResourceVersion: meta.ResourceVersion,
		Generation: meta.Generation, CreationTimestamp: meta.CreationTimestamp, DeletionTimestamp: meta.DeletionTimestamp,
	}
}
