package apply

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	rbacv1 "k8s.io/api/rbac/v1"
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

// run does the tasks of one stage. The API server is asked for several at the same time: it
// answers within milliseconds, but for a Role, for which it takes its time where there are
// many.
func run(ctx context.Context, stage []*task) {
	var calls sync.WaitGroup
	for _, t := range stage {
		if t.look(ctx) {
			calls.Go(func() { t.err = t.bringSafely(ctx) })
		}
	}
	calls.Wait()
}

// bringSafely turns a panic into an error, as whoever called Sync would: nobody else looks
// after the goroutine, and the process has other Gateways.
func (t *task) bringSafely(ctx context.Context) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("bringing %s about: panic: %v\n%s", t.id, value, debug.Stack())
		}
	}()
	return t.bring(ctx)
}
