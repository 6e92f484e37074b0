package provision

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// proxyUser is the user and group of the proxy, and of every file in its
// volumes.
const proxyUser int64 = 65532

// gracePeriod is the time from SIGTERM to SIGKILL, in seconds. The proxy's own
// drain limit is shorter, so that it is the one that applies. The namespace
// controller looks again at a namespace that is being deleted after half of the
// longest period of its pods, so a longer one would hold up every deletion.
const (
	gracePeriod  int64 = 30
	drainTimeout       = "25s"
)

func (f *fleet) deployment() *appsv1.Deployment {
	// A proxy goes only after its successor is ready.
	surge, unavailable := intstr.FromInt32(1), intstr.FromInt32(0)
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment"},
		ObjectMeta: f.meta(f.names.Name()),
		Spec: appsv1.DeploymentSpec{
			Replicas: &f.settings.Replicas,
			Selector: &metav1.LabelSelector{MatchLabels: f.selector()},
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxSurge:       &surge,
					MaxUnavailable: &unavailable,
				},
			},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: f.labels(), Annotations: f.annotations()},
				Spec:       f.pod(),
			},
		},
	}
}

func (f *fleet) pod() corev1.PodSpec {
	no := false
	grace := gracePeriod
	pod := corev1.PodSpec{
		ServiceAccountName: f.names.Name(),
		// The proxy alone gets a token, by a volume of its own.
		AutomountServiceAccountToken:  &no,
		EnableServiceLinks:            &no,
		TerminationGracePeriodSeconds: &grace,
		SecurityContext:               podSecurity(),
		TopologySpreadConstraints:     f.spread(),
		Containers:                    []corev1.Container{f.proxy()},
		Volumes:                       f.volumes(),
	}
	if f.settings.Sensor != SensorOff {
		pod.Containers = append(pod.Containers, f.sensor())
	}
	return pod
}

// podSecurity fits the restricted Pod Security Standard, which allows the
// sysctl: it lets the proxy bind any listener's port without a capability.
func podSecurity() *corev1.PodSecurityContext {
	group := proxyUser
	return &corev1.PodSecurityContext{
		FSGroup:        &group,
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		Sysctls:        []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"}},
	}
}

// spread prefers to have the proxies on different nodes and zones, and takes
// what it gets: a proxy in a bad place is better than none.
func (f *fleet) spread() []corev1.TopologySpreadConstraint {
	var constraints []corev1.TopologySpreadConstraint
	for _, key := range []string{corev1.LabelHostname, corev1.LabelTopologyZone} {
		constraints = append(constraints, corev1.TopologySpreadConstraint{
			MaxSkew:           1,
			TopologyKey:       key,
			WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector:     &metav1.LabelSelector{MatchLabels: f.selector()},
			// Without it, the pods that a rollout replaces count as well.
			MatchLabelKeys: []string{"pod-template-hash"},
		})
	}
	return constraints
}
