package controller

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/fleetgate/fleetgate/operator/internal/provision"
)

// SensorAuto chooses the sensor by what the namespace allows.
const SensorAuto provision.SensorMode = "auto"

// enforceLabel says which Pod Security level a namespace enforces.
const enforceLabel = "pod-security.kubernetes.io/enforce"

// chooseSensor settles SensorAuto for one fleet. The namespace's label decides.
// Where there is none, a cluster-wide default may enforce a level all the same;
// it shows by the fleet's pods being refused. From then on the Deployment
// itself, which has a sensor without capabilities, keeps the decision.
func chooseSensor(setting provision.SensorMode, namespace *corev1.Namespace, live *appsv1.Deployment) provision.SensorMode {
	if setting != SensorAuto {
		return setting
	}
	if namespace != nil {
		switch namespace.Labels[enforceLabel] {
		case "baseline", "restricted":
			return provision.SensorUnprivileged
		case "privileged":
			return provision.SensorFull
		}
	}
	if live != nil && (refused(live) || hasUnprivilegedSensor(live)) {
		return provision.SensorUnprivileged
	}
	return provision.SensorFull
}

// refused says whether the Deployment's pods violate the Pod Security level.
func refused(deployment *appsv1.Deployment) bool {
	return slices.ContainsFunc(deployment.Status.Conditions, func(c appsv1.DeploymentCondition) bool {
		return c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue &&
			strings.Contains(c.Message, "violates PodSecurity")
	})
}

func hasUnprivilegedSensor(deployment *appsv1.Deployment) bool {
	return slices.ContainsFunc(deployment.Spec.Template.Spec.Containers, func(c corev1.Container) bool {
		return c.Name == "sensor" && (c.SecurityContext == nil || c.SecurityContext.Capabilities == nil ||
			len(c.SecurityContext.Capabilities.Add) == 0)
	})
}
