package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// PodParameters say where and how the pods of a fleet run.
type PodParameters struct {
	// labels are added to the pods. They replace none of Fleetgate's own.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Labels map[string]string `json:"labels,omitempty"`
	// annotations are added to the pods.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Annotations map[string]string `json:"annotations,omitempty"`
	// affinity says which nodes and neighbours the pods want.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`
	// tolerations are the taints that the pods tolerate.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// nodeSelector are the labels of the nodes that the pods may run on.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// topologySpreadConstraints replace the defaults, which prefer different nodes
	// and zones. One without labelSelector counts the pods of the fleet.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
	// priorityClassName is the pods' priority class.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName *string `json:"priorityClassName,omitempty"`
	// imagePullSecrets are Secrets of the Gateway's namespace, by which images are
	// pulled.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
}
