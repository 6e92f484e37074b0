package provision

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
)

// The files by which a sensor and the agent of its node know each other.
const (
	agentDir         = "/etc/fleetgate/node-agent"
	agentToken       = "token"
	agentAuthorities = "ca.crt"
)

// asksAgent says whether the sensors have their node's agent count connections: those
// that may not do so themselves, where there are agents.
func (f *fleet) asksAgent() bool {
	return f.settings.Sensor == SensorUnprivileged && f.settings.NodeAgentPort != 0
}

// AsksAgent says whether a container is a sensor that has its node's agent count.
func AsksAgent(container *corev1.Container) bool {
	return slices.ContainsFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volumeAgent })
}

// askAgent tells the sensor of the agent. It is reached at the address of the host, so
// that it is the one that sees the pod's cgroup.
func (f *fleet) askAgent(sensor *corev1.Container) {
	sensor.Env = append(sensor.Env, corev1.EnvVar{
		Name: "HOST_IP",
		ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.hostIP"},
		},
	})
	sensor.Args = append(sensor.Args,
		"--node-agent-host=$(HOST_IP)",
		"--node-agent-port="+strconv.Itoa(int(f.settings.NodeAgentPort)),
		"--node-agent-token="+agentDir+"/"+agentToken,
		"--node-agent-authorities="+agentDir+"/"+agentAuthorities,
	)
	sensor.VolumeMounts = append(sensor.VolumeMounts,
		corev1.VolumeMount{Name: volumeAgent, MountPath: agentDir, ReadOnly: true})
}

// agentVolume has a token that is bound to the pod and good for the agents alone, and
// for as short a time as Kubernetes allows.
func (f *fleet) agentVolume() *corev1.ProjectedVolumeSource {
	expiry, optional := int64(600), true
	return &corev1.ProjectedVolumeSource{
		DefaultMode: ownFiles(),
		Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{
				Audience: probev1.NodeAgentAudience, Path: agentToken, ExpirationSeconds: &expiry,
			}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: f.names.NodeAgentConfigMap()},
				Optional:             &optional,
			}},
		},
	}
}

// agentAuthorities are in an object of their own, so that a new certificate replaces
// no pod.
func (f *fleet) agentAuthorities() *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: f.meta(f.names.NodeAgentConfigMap()),
		Data:       map[string]string{agentAuthorities: f.settings.NodeAgentAuthorities},
	}
}
