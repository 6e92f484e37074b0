package controller

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
)

// enforceLabel says which Pod Security level a namespace enforces.
const enforceLabel = "pod-security.kubernetes.io/enforce"

// chooseSensor says what provision.SensorAuto stands for in one fleet. The namespace's
// label decides. Where there is none, a cluster-wide default may enforce a level all
// the same; it shows by the pods of the fleet's Deployment being refused. From then on
// the fleet itself keeps the decision, by an annotation for which refused is true.
func chooseSensor(namespace *corev1.Namespace, live workloads) (mode provision.SensorMode, refused bool) {
	if namespace != nil {
		switch namespace.Labels[enforceLabel] {
		case "baseline", "restricted":
			return provision.SensorUnprivileged, false
		case "privileged":
			return provision.SensorFull, false
		}
	}
	if live.refused() {
		return provision.SensorUnprivileged, true
	}
	return provision.SensorFull, false
}

// refused says whether the fleet's pods violate the Pod Security level, or have done so.
func (l *workloads) refused() bool {
	for _, workload := range l.all() {
		if workload.GetAnnotations()[names.SensorRefusedAnnotation] != "" {
			return true
		}
	}
	return l.deployment != nil && slices.ContainsFunc(l.deployment.Status.Conditions, func(c appsv1.DeploymentCondition) bool {
		return c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue &&
			strings.Contains(c.Message, "violates PodSecurity")
	})
}

// trustAgents has the sensors know the agents of their nodes. A certificate that cannot
// be had is for a retry.
func (w *work) trustAgents(settings *provision.Settings) {
	if w.nodeAgent == nil {
		return
	}
	var err error
	w.authorities, err = w.nodeAgent.Authorities(w.ctx)
	w.note(err)
	settings.NodeAgentAuthorities = w.authorities.PEM
}

// narrowed tells, as a sentence, of sensors that may do less than they would have
// been made to elsewhere, and is empty for others.
func narrowed(auto provision.SensorMode, objects []client.Object) string {
	if auto != provision.SensorUnprivileged {
		return ""
	}
	var pod *corev1.PodSpec
	switch workload := provision.Workload(objects).(type) {
	case *appsv1.Deployment:
		pod = &workload.Spec.Template.Spec
	case *appsv1.DaemonSet:
		pod = &workload.Spec.Template.Spec
	default:
		return ""
	}
	for i := range pod.Containers {
		context := pod.Containers[i].SecurityContext
		if pod.Containers[i].Name != "sensor" || context == nil || context.Capabilities == nil || len(context.Capabilities.Add) > 0 {
			continue
		}
		const without = "the sensors run without capabilities, as the namespace's Pod Security level allows none"
		if provision.AsksAgent(&pod.Containers[i]) {
			return without + "; the agents of their nodes count connections for them"
		}
		return without
	}
	return ""
}
