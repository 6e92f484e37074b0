package apply

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/fleetgate/fleetgate/operator/internal/atonce"
)

// stages are the objects in groups, of which each is done before the next one begins: an
// API server refuses to bind a Role that it does not have, pods are to find what they run
// with, and an autoscaler what it scales.
func stages(tasks []*task) [][]*task {
	groups := make([][]*task, 4)
	for _, t := range tasks {
		stage := 0
		switch t.desired.(type) {
		case *rbacv1.RoleBinding:
			stage = 1
		case *appsv1.Deployment, *appsv1.DaemonSet:
			stage = 2
		case *autoscalingv2.HorizontalPodAutoscaler:
			stage = 3
		}
		groups[stage] = append(groups[stage], t)
	}
	return groups
}

// run does the tasks of one stage. The API server is asked for all at the same time: it
// answers within milliseconds, but for a Role, for which it takes its time where there are
// many.
func run(ctx context.Context, stage []*task) {
	var due []*task
	var calls []func() error
	for _, t := range stage {
		if t.look(ctx) {
			due, calls = append(due, t), append(calls, func() error { return t.bring(ctx) })
		}
	}
	for i, err := range atonce.Do(len(calls), calls) {
		due[i].err = err
	}
}
