package provision

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// disruptionBudget lets a drain of nodes take one proxy at a time.
func (f *fleet) disruptionBudget() *policyv1.PodDisruptionBudget {
	one := intstr.FromInt32(1)
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: policyv1.SchemeGroupVersion.String(), Kind: "PodDisruptionBudget"},
		ObjectMeta: f.meta(f.names.Name()),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable: &one,
			Selector:       &metav1.LabelSelector{MatchLabels: f.selector()},
		},
	}
}

// networkPolicy closes the admin port to everybody but the operator. It speaks
// of ingress only: where a proxy may connect to depends on its routes, and a
// list of that would have to change with every endpoint.
func (f *fleet) networkPolicy() *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "NetworkPolicy"},
		ObjectMeta: f.meta(f.names.Name()),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: f.selector()},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{
				{Ports: policyPorts(f.listenerPorts())},
				{Ports: policyPorts(f.metricsPorts())},
				{
					Ports: policyPorts([]corev1.ServicePort{metricsPort("admin", AdminPort)}),
					From: []networkingv1.NetworkPolicyPeer{{
						NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{
							corev1.LabelMetadataName: f.settings.OperatorNamespace,
						}},
					}},
				},
			},
		},
	}
}

func policyPorts(ports []corev1.ServicePort) []networkingv1.NetworkPolicyPort {
	var out []networkingv1.NetworkPolicyPort
	for _, port := range ports {
		protocol := port.Protocol
		out = append(out, networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &port.TargetPort})
	}
	return out
}
