package v1alpha1

import (
	"k8s.io/apimachinery/pkg/util/intstr"
)

// WorkloadKind is what runs the proxies of a Gateway.
//
// +kubebuilder:validation:Enum=Deployment;DaemonSet
type WorkloadKind string

// The kinds of workloads.
const (
	// WorkloadDeployment runs a number of proxies anywhere.
	WorkloadDeployment WorkloadKind = "Deployment"
	// WorkloadDaemonSet runs one proxy on each node that the pod may run on.
	WorkloadDaemonSet WorkloadKind = "DaemonSet"
)

// WorkloadParameters say what runs the proxies, and how many of them.
//
// +kubebuilder:validation:XValidation:rule="!has(self.kind) || self.kind != 'DaemonSet' || (!has(self.replicas) && !has(self.autoscaling))",message="a DaemonSet has neither replicas nor autoscaling"
type WorkloadParameters struct {
	// kind is Deployment or DaemonSet; Deployment by default. A change of it starts
	// the new proxies before the old ones end.
	// +optional
	Kind *WorkloadKind `json:"kind,omitempty"`
	// replicas is the number of proxies; 2 by default. It is only what a fleet begins
	// with where autoscaling is set, or where an autoscaler of the user's own targets
	// the Deployment.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	Replicas *int32 `json:"replicas,omitempty"`
	// autoscaling makes a HorizontalPodAutoscaler.
	// +optional
	Autoscaling *Autoscaling `json:"autoscaling,omitempty"`
	// updateStrategy is how pods are replaced.
	// +optional
	UpdateStrategy *UpdateStrategy `json:"updateStrategy,omitempty"`
	// disruptionBudget bounds how many proxies a drain of nodes may take at a time;
	// one by default. A DaemonSet has none but minAvailable as a whole number: a drain
	// of nodes passes its pods over.
	// +optional
	DisruptionBudget *DisruptionBudget `json:"disruptionBudget,omitempty"`
}

// Autoscaling are the settings of a HorizontalPodAutoscaler. At least one target is
// set; where none is, CPU is held at 80 percent of the request.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",message="minReplicas is more than maxReplicas"
type Autoscaling struct {
	// disabled makes no autoscaler, whatever the class says.
	// +optional
	Disabled *bool `json:"disabled,omitempty"`
	// minReplicas is 2 by default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MinReplicas *int32 `json:"minReplicas,omitempty"`
	// maxReplicas is the larger of 10 and minReplicas by default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxReplicas *int32 `json:"maxReplicas,omitempty"`
	// targetCPUPercent is the CPU time of the pods in percent of what they request.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	TargetCPUPercent *int32 `json:"targetCPUPercent,omitempty"`
	// targetMemoryPercent is the memory of the pods in percent of what they request.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	TargetMemoryPercent *int32 `json:"targetMemoryPercent,omitempty"`
}

// UpdateStrategy is how the pods of a workload are replaced.
type UpdateStrategy struct {
	// maxSurge is how many proxies there may be beyond those wanted; 1 by default.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^((100|[0-9]{1,2})%|[0-9]+)$`
	MaxSurge *intstr.IntOrString `json:"maxSurge,omitempty"`
	// maxUnavailable is how many may be missing; 0 by default.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^((100|[0-9]{1,2})%|[0-9]+)$`
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}

// DisruptionBudget are the settings of a PodDisruptionBudget.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minAvailable) || !has(self.maxUnavailable)",message="minAvailable and maxUnavailable exclude each other"
type DisruptionBudget struct {
	// disabled makes no budget.
	// +optional
	Disabled *bool `json:"disabled,omitempty"`
	// minAvailable is how many proxies stay, as a number or in percent.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^((100|[0-9]{1,2})%|[0-9]+)$`
	MinAvailable *intstr.IntOrString `json:"minAvailable,omitempty"`
	// maxUnavailable is how many may be taken, as a number or in percent; 1 by
	// default.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^((100|[0-9]{1,2})%|[0-9]+)$`
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}
