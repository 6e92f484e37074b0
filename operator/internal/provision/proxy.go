package provision

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func (f *fleet) proxy() corev1.Container {
	return corev1.Container{
		Name:            "proxy",
		Image:           f.settings.ProxyImage,
		ImagePullPolicy: f.settings.PullPolicy,
		Args:            f.proxyArgs(),
		Env:             []corev1.EnvVar{zone()},
		// The listeners' ports are not listed: a list informs and nothing else,
		// and each change of it would replace the pods.
		Ports: []corev1.ContainerPort{
			{Name: proxyMetrics, ContainerPort: HealthPort, Protocol: corev1.ProtocolTCP},
			{Name: "admin", ContainerPort: AdminPort, Protocol: corev1.ProtocolTCP},
		},
		Resources:       *f.settings.ProxyResources,
		SecurityContext: unprivileged(),
		VolumeMounts: []corev1.VolumeMount{
			{Name: volumeConfig, MountPath: configDir, ReadOnly: true},
			{Name: volumeAdmin, MountPath: adminDir, ReadOnly: true},
			{Name: volumeToken, MountPath: tokenDir, ReadOnly: true},
			{Name: volumeState, MountPath: stateDir},
			{Name: volumeRun, MountPath: runDir},
		},
		// Readiness is asked for often, as it decides when a rollout goes on;
		// liveness is patient, as a restart costs every open connection.
		StartupProbe:   probe("/livez", 1, 60),
		ReadinessProbe: probe("/readyz", 1, 2),
		LivenessProbe:  probe("/livez", 10, 3),
	}
}

func (f *fleet) proxyArgs() []string {
	args := []string{
		"--gateway-namespace=" + f.gateway.Namespace,
		"--gateway-name=" + f.gateway.Name,
		"--gateway-uid=" + string(f.gateway.UID),
		"--config-dir=" + configDir,
		"--state-dir=" + stateDir,
		"--admin-dir=" + adminDir,
		"--watch-configmap=" + f.names.ConfigMap(),
		"--watch-secrets=" + strings.Join(f.names.CertificateSecrets(), ","),
		"--drain-timeout=" + f.drainTimeout().String(),
		"--zone=$(" + zoneVariable + ")",
		"--supervise",
	}
	if f.proxies.Loops != nil {
		args = append(args, "--loops="+strconv.Itoa(int(*f.proxies.Loops)))
	}
	if f.settings.Sensor != SensorOff {
		args = append(args, "--probe-socket="+probeSocket)
	}
	return append(args, f.settings.maxSeries(proxysFifths)...)
}

// zoneVariable is the environment variable with the zone of the pod's node.
const zoneVariable = "ZONE"

// zone is what Kubernetes copies from the node to its pods since version 1.35. It is
// empty before, and on nodes without a zone, which prefers none: the node's own label
// is not for a proxy to read.
func zone() corev1.EnvVar {
	return corev1.EnvVar{Name: zoneVariable, ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.labels['" + corev1.LabelTopologyZone + "']"},
	}}
}

func probe(path string, period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(HealthPort)},
		},
		PeriodSeconds:    period,
		TimeoutSeconds:   1,
		FailureThreshold: failures,
	}
}

// unprivileged is the security context of a container that can do nothing but
// run its program.
func unprivileged() *corev1.SecurityContext {
	yes, no, user := true, false, proxyUser
	return &corev1.SecurityContext{
		RunAsNonRoot:             &yes,
		RunAsUser:                &user,
		RunAsGroup:               &user,
		AllowPrivilegeEscalation: &no,
		ReadOnlyRootFilesystem:   &yes,
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}
