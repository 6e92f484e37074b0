package controller

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// keepImmutable asks for what the Service has already of what cannot be changed later:
// an update that tries would be refused as a whole. For the address of the cluster the
// status tells that it is another one.
func (w *work) keepImmutable() {
	for _, obj := range w.plan.objects {
		service, is := obj.(*corev1.Service)
		if !is || service.Spec.ClusterIP == corev1.ClusterIPNone {
			continue
		}
		key := types.NamespacedName{Namespace: w.key.Namespace, Name: service.Name}
		if live, err := ownObject(w.ctx, w.opts.Client, w.owner, key, &corev1.Service{}); err == nil && live != nil {
			keepOf(&live.Spec, &service.Spec)
		}
	}
}

func keepOf(live, wanted *corev1.ServiceSpec) {
	if wanted.ClusterIP != "" && live.ClusterIP != "" {
		wanted.ClusterIP = live.ClusterIP
	}
	if wanted.Type == corev1.ServiceTypeLoadBalancer && live.Type == corev1.ServiceTypeLoadBalancer {
		wanted.LoadBalancerClass = live.LoadBalancerClass
	}
	if len(wanted.IPFamilies) > 0 && len(live.IPFamilies) > 0 && wanted.IPFamilies[0] != live.IPFamilies[0] {
		wanted.IPFamilies = primary(live.IPFamilies[0], len(wanted.IPFamilies))
	}
}

// primary returns as many families as are wanted, that one first.
func primary(family corev1.IPFamily, wanted int) []corev1.IPFamily {
	other := corev1.IPv4Protocol
	if family == corev1.IPv4Protocol {
		other = corev1.IPv6Protocol
	}
	return []corev1.IPFamily{family, other}[:min(wanted, 2)]
}
