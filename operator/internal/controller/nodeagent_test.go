package controller

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// An agent runs with the rights that it needs and no others, as many tenants meet it.
func TestAnAgentMayDoNoMoreThanItHasTo(t *testing.T) {
	var role rbacv1.ClusterRole
	configured(t, "node-agent/cluster_role.yaml", &role)
	if got := fmt.Sprint(role.Rules); got != "[{[create] [authentication.k8s.io] [tokenreviews] [] []}]" {
		t.Errorf("in the cluster it may %s", got)
	}
	var agents appsv1.DaemonSet
	configured(t, "node-agent/daemon_set.yaml", &agents)
	pod := agents.Spec.Template.Spec
	if pod.HostNetwork || pod.HostPID || pod.HostIPC || len(pod.Containers) != 1 || len(pod.InitContainers) > 0 {
		t.Errorf("its pod is %+v", pod)
	}
	security := pod.Containers[0].SecurityContext
	if security.Privileged != nil || *security.AllowPrivilegeEscalation || !*security.ReadOnlyRootFilesystem ||
		!slices.Equal(security.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
		!slices.Equal(security.Capabilities.Add, []corev1.Capability{"BPF", "PERFMON", "NET_ADMIN"}) {
		t.Errorf("it runs with %+v", security)
	}
	for _, mount := range pod.Containers[0].VolumeMounts {
		if !mount.ReadOnly {
			t.Errorf("it may write to %s", mount.MountPath)
		}
	}
	for _, volume := range pod.Volumes {
		if volume.HostPath != nil && volume.HostPath.Path != "/sys/fs/cgroup" {
			t.Errorf("it sees %s of the host", volume.HostPath.Path)
		}
		if volume.Secret != nil && volume.Secret.SecretName != names.NodeAgentSecret {
			t.Errorf("it reads Secret %s", volume.Secret.SecretName)
		}
	}
}

// The operator makes the agents' certificate, also where it serves listed namespaces
// alone and has no other right in its own.
func TestTheOperatorMayMakeTheAgentsCertificate(t *testing.T) {
	var role rbacv1.Role
	var binding rbacv1.RoleBinding
	configured(t, "node-agent/operator_role.yaml", &role, &binding)
	want := "[{[create] [] [secrets] [] []} {[get update] [] [secrets] [" + names.NodeAgentSecret + "] []}]"
	if got := fmt.Sprint(role.Rules); got != want {
		t.Errorf("it may %s, want %s", got, want)
	}
	if binding.RoleRef.Name != role.Name || binding.Namespace != role.Namespace || role.Namespace != binding.Subjects[0].Namespace {
		t.Errorf("its Role is bound by %+v", binding)
	}
}

// The operator sends sensors to the port that the agents have on the host.
func TestSensorsAreSentWhereAgentsAre(t *testing.T) {
	var agents appsv1.DaemonSet
	configured(t, "node-agent/daemon_set.yaml", &agents)
	patch, err := os.ReadFile("../../../config/node-agent/operator_patch.yaml")
	if err != nil {
		t.Fatal(err)
	}
	port := agents.Spec.Template.Spec.Containers[0].Ports[0]
	if !strings.Contains(string(patch), fmt.Sprintf("--node-agent-port=%d\n", port.HostPort)) || port.HostPort != port.ContainerPort ||
		!slices.Contains(agents.Spec.Template.Spec.Containers[0].Args, fmt.Sprintf("--address=:%d", port.ContainerPort)) {
		t.Errorf("the agents listen on %+v, and the operator is told\n%s", port, patch)
	}
}
