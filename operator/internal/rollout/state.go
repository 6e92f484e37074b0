package rollout

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// State is how far a fleet is with its turn.
type State string

// The states of fleets.
const (
	// Settled fleets have no turn, or one that ended well.
	Settled State = "settled"
	// UnderWay is a fleet whose pods are being replaced.
	UnderWay State = "under_way"
	// Failed is a fleet whose new pods do not become available in time.
	Failed State = "failed"
)

// patience is how long a turn may take where Kubernetes sets no deadline: it knows none
// for DaemonSets.
const patience = 15 * time.Minute

// The reasons of a Deployment's condition Progressing.
const (
	allAvailable     = "NewReplicaSetAvailable"
	deadlineExceeded = "ProgressDeadlineExceeded"
)

// StateOf returns the state of the fleet with the workload, which is a Deployment or a
// DaemonSet.
func StateOf(workload client.Object, now time.Time) State {
	turn := workload.GetAnnotations()[names.TurnAnnotation]
	if turn == "" || Complete(workload) {
		return Settled
	}
	if deployment, is := workload.(*appsv1.Deployment); is && deployment.Status.ObservedGeneration >= deployment.Generation {
		for _, condition := range deployment.Status.Conditions {
			switch {
			case condition.Type != appsv1.DeploymentProgressing:
			case condition.Reason == allAvailable:
				// What is not available now was so after the turn.
				return Settled
			case condition.Reason == deadlineExceeded:
				return Failed
			}
		}
	}
	if began, err := time.Parse(time.RFC3339, turn); err != nil || now.Sub(began) > patience {
		return Failed
	}
	return UnderWay
}

// Complete says whether all pods of a workload are of its newest template, and
// available.
func Complete(workload client.Object) bool {
	switch workload := workload.(type) {
	case *appsv1.DaemonSet:
		status := &workload.Status
		return status.ObservedGeneration >= workload.Generation && status.DesiredNumberScheduled > 0 &&
			status.UpdatedNumberScheduled >= status.DesiredNumberScheduled && status.NumberAvailable >= status.DesiredNumberScheduled
	case *appsv1.Deployment:
		status, wanted := &workload.Status, int32(1)
		if workload.Spec.Replicas != nil {
			wanted = *workload.Spec.Replicas
		}
		return status.ObservedGeneration >= workload.Generation && status.UpdatedReplicas >= wanted &&
			status.Replicas <= status.UpdatedReplicas && status.AvailableReplicas >= wanted
	}
	return false
}

// Serves says whether anything of a workload does.
func Serves(workload client.Object) bool {
	switch workload := workload.(type) {
	case *appsv1.DaemonSet:
		return workload.Status.NumberAvailable > 0
	case *appsv1.Deployment:
		return workload.Status.AvailableReplicas > 0
	}
	return false
}
