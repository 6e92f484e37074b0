package controller

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/operator/internal/provision"
)

func TestChooseSensor(t *testing.T) {
	labelled := func(level string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{enforceLabel: level}}}
	}
	deployment := func(added []corev1.Capability, conditions ...appsv1.DeploymentCondition) *appsv1.Deployment {
		d := &appsv1.Deployment{Status: appsv1.DeploymentStatus{Conditions: conditions}}
		d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "proxy"}, {
			Name: "sensor", SecurityContext: &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: added}},
		}}
		return d
	}
	bpf := []corev1.Capability{"BPF"}
	failure := appsv1.DeploymentCondition{
		Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue,
		Message: `pods "x" is forbidden: violates PodSecurity "baseline:latest"`,
	}
	quota := failure
	quota.Message = "exceeded quota"
	tests := []struct {
		name      string
		setting   provision.SensorMode
		namespace *corev1.Namespace
		live      *appsv1.Deployment
		want      provision.SensorMode
	}{
		{"a setting that is not auto holds", provision.SensorOff, labelled("restricted"), nil, provision.SensorOff},
		{"without a label", SensorAuto, labelled(""), nil, provision.SensorFull},
		{"without a namespace", SensorAuto, nil, nil, provision.SensorFull},
		{"baseline", SensorAuto, labelled("baseline"), nil, provision.SensorUnprivileged},
		{"restricted", SensorAuto, labelled("restricted"), nil, provision.SensorUnprivileged},
		{"pods are refused by a default of the cluster", SensorAuto, labelled(""), deployment(bpf, failure), provision.SensorUnprivileged},
		{"pods are refused for another reason", SensorAuto, labelled(""), deployment(bpf, quota), provision.SensorFull},
		{"having fallen back, it stays", SensorAuto, labelled(""), deployment(nil), provision.SensorUnprivileged},
		{"until the label allows it", SensorAuto, labelled("privileged"), deployment(nil), provision.SensorFull},
		{"what was full stays", SensorAuto, labelled(""), deployment(bpf), provision.SensorFull},
	}
	for _, tt := range tests {
		if got := chooseSensor(tt.setting, tt.namespace, tt.live); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
