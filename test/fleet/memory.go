package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/test/internal/measure"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// memory is that of the processes of one container.
type memory struct{ rss, anonymous uint64 }

// memories reads those of all real proxies and their sensors.
func (b *bench) memories(ctx context.Context) error {
	for i := range b.opts.real {
		g := tenant.Gateway{Cluster: b.Cluster, Name: types.NamespacedName{Namespace: tenantName(i), Name: gatewayName}}
		pods, err := g.Pods(ctx)
		if err != nil {
			return err
		}
		for _, pod := range pods {
			proxy, err := memoryOf(pod.UID, "fleetgate-proxy")
			if err != nil {
				return err
			}
			sensor, err := memoryOf(pod.UID, "fleetgate-sensor")
			if err != nil {
				return err
			}
			b.results.proxies = append(b.results.proxies, proxy)
			b.results.sensors = append(b.results.sensors, sensor)
		}
	}
	return nil
}

// memoryOf adds up the processes of a program in a pod: the sensor has a
// supervisor.
func memoryOf(pod types.UID, program string) (sum memory, err error) {
	procs, err := measure.Processes(pod, program)
	if err != nil {
		return sum, err
	}
	for _, proc := range procs {
		status, err := proc.NewStatus()
		if err != nil {
			return sum, err
		}
		sum.rss += status.VmRSS
		sum.anonymous += status.RssAnon
	}
	return sum, nil
}

func podReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
