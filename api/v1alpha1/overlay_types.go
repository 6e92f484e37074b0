package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// OverlayTarget is the object of the fleet that an overlay changes.
//
// +kubebuilder:validation:Enum=Deployment;DaemonSet;Service;MetricsService;ServiceAccount;HorizontalPodAutoscaler;PodDisruptionBudget;ServiceMonitor
type OverlayTarget string

// The targets of overlays.
const (
	OverlayDeployment              OverlayTarget = "Deployment"
	OverlayDaemonSet               OverlayTarget = "DaemonSet"
	OverlayService                 OverlayTarget = "Service"
	OverlayMetricsService          OverlayTarget = "MetricsService"
	OverlayServiceAccount          OverlayTarget = "ServiceAccount"
	OverlayHorizontalPodAutoscaler OverlayTarget = "HorizontalPodAutoscaler"
	OverlayPodDisruptionBudget     OverlayTarget = "PodDisruptionBudget"
	OverlayServiceMonitor          OverlayTarget = "ServiceMonitor"
)

// Overlay is a strategic merge patch on one of the fleet's objects. One that would
// change name, namespace, owner or selector, give a pod a path of the host, another
// ServiceAccount or a privilege, or in a Gateway's own parameters bring an image or a
// container, is refused as a whole, and the rest goes on.
type Overlay struct {
	// target is the object that is changed. An overlay whose object the fleet does
	// not have is passed over.
	Target OverlayTarget `json:"target"`
	// patch is the patch, in the form of the object, without apiVersion and kind. For
	// ServiceMonitors, whose lists have no keys, lists are replaced.
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	Patch apiextensionsv1.JSON `json:"patch"`
}
