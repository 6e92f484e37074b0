package rollout_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/rollout"
)

func TestComplete(t *testing.T) {
	deployment := func(wanted, all, updated, available int32, observed int64) *appsv1.Deployment {
		d := &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &wanted}}
		d.Generation = 2
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: observed, Replicas: all, UpdatedReplicas: updated, AvailableReplicas: available}
		return d
	}
	daemonSet := func(wanted, updated, available int32) *appsv1.DaemonSet {
		return &appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{
			DesiredNumberScheduled: wanted, UpdatedNumberScheduled: updated, NumberAvailable: available,
		}}
	}
	tests := []struct {
		name     string
		workload client.Object
		want     bool
	}{
		{"all there", deployment(2, 2, 2, 2, 2), true},
		{"none wanted", deployment(0, 0, 0, 0, 2), true},
		{"not seen yet", deployment(2, 2, 2, 2, 1), false},
		{"an old one is left", deployment(2, 3, 2, 2, 2), false},
		{"one is old", deployment(2, 2, 1, 2, 2), false},
		{"one is not available", deployment(2, 2, 2, 1, 2), false},
		{"on every node", daemonSet(3, 3, 3), true},
		{"on no node", daemonSet(0, 0, 0), false},
		{"on one node it is old", daemonSet(3, 2, 3), false},
		{"on one node it is not available", daemonSet(3, 3, 2), false},
	}
	for _, tt := range tests {
		if got := rollout.Complete(tt.workload); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestStateOf(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	deployment := func(age time.Duration, reason string) client.Object {
		d := &appsv1.Deployment{}
		if age > 0 {
			d.Annotations = map[string]string{names.TurnAnnotation: now.Add(-age).Format(time.RFC3339)}
		}
		d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Reason: reason}}
		return d
	}
	daemonSet := func(age time.Duration, available int32) client.Object {
		d := &appsv1.DaemonSet{}
		d.Annotations = map[string]string{names.TurnAnnotation: now.Add(-age).Format(time.RFC3339)}
		d.Status = appsv1.DaemonSetStatus{DesiredNumberScheduled: 2, UpdatedNumberScheduled: available, NumberAvailable: 2}
		return d
	}
	unseen := deployment(time.Minute, "ProgressDeadlineExceeded").(*appsv1.Deployment)
	unseen.Generation = 2
	tests := []struct {
		name     string
		workload client.Object
		want     rollout.State
	}{
		{"without a turn nothing counts", deployment(0, "ProgressDeadlineExceeded"), rollout.Settled},
		{"on its way", deployment(time.Minute, "ReplicaSetUpdated"), rollout.UnderWay},
		{"given up", deployment(time.Minute, "ProgressDeadlineExceeded"), rollout.Failed},
		{"what was given up before is not meant", unseen, rollout.UnderWay},
		{"over, and missing some since", deployment(time.Hour, "NewReplicaSetAvailable"), rollout.Settled},
		{"not given up, but too long", deployment(time.Hour, "ReplicaSetUpdated"), rollout.Failed},
		{"a DaemonSet on its way", daemonSet(time.Minute, 1), rollout.UnderWay},
		{"a DaemonSet that takes too long", daemonSet(time.Hour, 1), rollout.Failed},
		{"a DaemonSet that is there", daemonSet(time.Hour, 2), rollout.Settled},
	}
	for _, tt := range tests {
		if got := rollout.StateOf(tt.workload, now); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
