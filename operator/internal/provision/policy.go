package provision

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// disruptionBudget lets a drain of nodes take one proxy at a time, if nothing else is
// said. It is nil where there is none.
func (f *fleet) disruptionBudget() *policyv1.PodDisruptionBudget {
	wanted := deref(f.running.DisruptionBudget)
	if deref(wanted.Disabled) || !f.countable(wanted.MinAvailable) {
		return nil
	}
	if wanted.MinAvailable == nil && wanted.MaxUnavailable == nil {
		wanted.MaxUnavailable = new(intstr.FromInt32(1))
	}
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: policyv1.SchemeGroupVersion.String(), Kind: "PodDisruptionBudget"},
		ObjectMeta: f.meta(f.names.Name()),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable:   wanted.MinAvailable,
			MaxUnavailable: wanted.MaxUnavailable,
			Selector:       &metav1.LabelSelector{MatchLabels: f.selector()},
		},
	}
}

// countable says whether Kubernetes can work with a budget: a DaemonSet cannot be
// scaled, so that it knows no number of its pods that a share or a loss would be of.
// Drains of nodes pass them over anyway.
func (f *fleet) countable(minAvailable *intstr.IntOrString) bool {
	return f.kind() == v1alpha1.WorkloadDeployment || minAvailable != nil && minAvailable.Type == intstr.Int
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
