package provision

import corev1 "k8s.io/api/core/v1"

// sensor is an ordinary container without probes: it neither keeps the proxy
// from starting nor takes it out of service.
func (f *fleet) sensor() corev1.Container {
	container := corev1.Container{
		Name:            "sensor",
		Image:           f.settings.SensorImage,
		ImagePullPolicy: f.settings.PullPolicy,
		Args: []string{
			"--probe-socket=" + probeSocket,
			"--pod-uid=$(POD_UID)",
		},
		Env: []corev1.EnvVar{{
			Name: "POD_UID",
			ValueFrom: &corev1.EnvVarSource{
				FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.uid"},
			},
		}},
		Ports: []corev1.ContainerPort{
			{Name: sensorMetrics, ContainerPort: SensorPort, Protocol: corev1.ProtocolTCP},
		},
		Resources:       *f.settings.SensorResources,
		SecurityContext: unprivileged(),
		VolumeMounts:    []corev1.VolumeMount{{Name: volumeRun, MountPath: runDir}},
	}
	if f.settings.Sensor == SensorFull {
		container.SecurityContext = measuring()
	}
	container.Args = append(container.Args, f.settings.maxSeries(sensorsFifths)...)
	if f.mountsCgroup() {
		container.Args = append(container.Args, "--cgroup-root="+cgroupDir)
		container.VolumeMounts = append(container.VolumeMounts,
			corev1.VolumeMount{Name: volumeCgroup, MountPath: cgroupDir, ReadOnly: true})
	}
	if f.asksAgent() {
		f.askAgent(&container)
	}
	return container
}

// mountsCgroup is false without capabilities: namespaces that allow none do
// not allow a path of the host either.
func (f *fleet) mountsCgroup() bool {
	return f.settings.Sensor == SensorFull && f.settings.HostCgroup != ""
}

// measuring is the security context of a sensor that loads eBPF programs. It
// is root because the kernel gives added capabilities to root alone; without
// the others, root is just a number here.
func measuring() *corev1.SecurityContext {
	context := unprivileged()
	root, isRoot := int64(0), false
	context.RunAsUser = &root
	context.RunAsGroup = &root
	context.RunAsNonRoot = &isRoot
	context.Capabilities.Add = []corev1.Capability{"BPF", "PERFMON", "NET_ADMIN"}
	return context
}
