package provision

import (
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// proxyUser is the user and group of the proxy, and of every file in its
// volumes.
const proxyUser int64 = 65532

// The proxy's own limit of a drain is shorter than the time from SIGTERM to SIGKILL,
// so that it is the one that applies. The namespace controller looks again at a
// namespace that is being deleted after half of the longest period of its pods, so a
// long one would hold up every deletion.
const (
	drainTimeout    = 25 * time.Second
	maxDrainTimeout = 40 * time.Second
	drainMargin     = 5 * time.Second
)

// drainTimeout is the proxy's own limit.
func (f *fleet) drainTimeout() time.Duration {
	if f.proxies.DrainTimeout == nil {
		return drainTimeout
	}
	timeout, err := time.ParseDuration(string(*f.proxies.DrainTimeout))
	if err != nil || timeout < 0 {
		return drainTimeout
	}
	return min(timeout, maxDrainTimeout)
}

// gracePeriod is the time from SIGTERM to SIGKILL, in seconds.
func (f *fleet) gracePeriod() int64 {
	return int64((f.drainTimeout() + drainMargin + time.Second - 1) / time.Second)
}

// template is that of the pods, whatever kind of workload runs them.
func (f *fleet) template() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      f.beside(f.labels(), f.pods.Labels),
			Annotations: harmless(over(f.annotations(), f.pods.Annotations)),
		},
		Spec: f.pod(),
	}
}

// confining are the annotations of pods by which older Kubernetes was told to confine
// a container less than its security context says.
var confining = []string{"container.apparmor.security.beta.kubernetes.io/", "container.seccomp.security.alpha.kubernetes.io/", "seccomp.security.alpha.kubernetes.io/"}

func harmless(annotations map[string]string) map[string]string {
	maps.DeleteFunc(annotations, func(key, _ string) bool {
		return slices.ContainsFunc(confining, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
	})
	if len(annotations) == 0 {
		return nil
	}
	return annotations
}

func (f *fleet) pod() corev1.PodSpec {
	no := false
	grace := f.gracePeriod()
	pod := corev1.PodSpec{
		ServiceAccountName: f.names.Name(),
		// The proxy alone gets a token, by a volume of its own.
		AutomountServiceAccountToken:  &no,
		EnableServiceLinks:            &no,
		TerminationGracePeriodSeconds: &grace,
		SecurityContext:               podSecurity(),
		TopologySpreadConstraints:     f.spread(),
		Affinity:                      f.pods.Affinity,
		Tolerations:                   f.pods.Tolerations,
		NodeSelector:                  f.pods.NodeSelector,
		PriorityClassName:             deref(f.pods.PriorityClassName),
		ImagePullSecrets:              f.pods.ImagePullSecrets,
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
// what it gets: a proxy in a bad place is better than none. A DaemonSet's pods have
// their places.
func (f *fleet) spread() []corev1.TopologySpreadConstraint {
	if f.pods.TopologySpreadConstraints != nil {
		return f.ownSpread()
	}
	if f.kind() == v1alpha1.WorkloadDaemonSet {
		return nil
	}
	var constraints []corev1.TopologySpreadConstraint
	for _, key := range []string{corev1.LabelHostname, corev1.LabelTopologyZone} {
		constraints = append(constraints, corev1.TopologySpreadConstraint{
			MaxSkew:           1,
			TopologyKey:       key,
			WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector:     &metav1.LabelSelector{MatchLabels: f.selector()},
			// Without it, the pods that a rollout replaces count as well.
			MatchLabelKeys: []string{appsv1.DefaultDeploymentUniqueLabelKey},
		})
	}
	return constraints
}

// ownSpread are the constraints of the parameters. One that says nothing of whom it
// counts counts the fleet's pods, as the defaults do.
func (f *fleet) ownSpread() []corev1.TopologySpreadConstraint {
	var constraints []corev1.TopologySpreadConstraint
	for _, constraint := range f.pods.TopologySpreadConstraints {
		constraint = *constraint.DeepCopy()
		if constraint.LabelSelector == nil {
			constraint.LabelSelector = &metav1.LabelSelector{MatchLabels: f.selector()}
			if constraint.MatchLabelKeys == nil && f.kind() == v1alpha1.WorkloadDeployment {
				constraint.MatchLabelKeys = []string{appsv1.DefaultDeploymentUniqueLabelKey}
			}
		}
		constraints = append(constraints, constraint)
	}
	return constraints
}
