package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	corev1 "k8s.io/api/core/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// The programs whose use of the machine is measured, as the kernel names them.
const (
	operatorProgram = "fleetgate"
	proxyProgram    = "fleetgate-proxy"
)

// usage is what processes use of the machine.
type usage struct {
	rss, anonymous uint64
	cpu            time.Duration
}

// greater takes the greater memory of both, and the later CPU time.
func (u usage) greater(o usage) usage {
	return usage{rss: max(u.rss, o.rss), anonymous: max(u.anonymous, o.anonymous), cpu: o.cpu}
}

// process is one in a pod. The cluster's processes are to be seen from outside.
type process int

// processOf finds a pod's process by its program and the pod's cgroup.
func processOf(pod *corev1.Pod, program string) (process, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0, err
	}
	for _, p := range all {
		comm, err := p.Comm()
		if err != nil || comm != program {
			continue
		}
		groups, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID) + "/cgroup")
		if err == nil && strings.Contains(strings.ReplaceAll(string(groups), "_", "-"), string(pod.UID)) {
			return process(p.PID), nil
		}
	}
	return 0, fmt.Errorf("pod %s has no process %s", pod.Name, program)
}

func (p process) usage() (u usage, err error) {
	proc, err := procfs.NewProc(int(p))
	if err != nil {
		return u, err
	}
	status, err := proc.NewStatus()
	if err != nil {
		return u, err
	}
	stat, err := proc.Stat()
	if err != nil {
		return u, err
	}
	return usage{rss: status.VmRSS, anonymous: status.RssAnon, cpu: time.Duration(stat.CPUTime() * float64(time.Second))}, nil
}

// operatorPod is the one that is running.
func (b *bench) operatorPod(ctx context.Context) (*corev1.Pod, error) {
	var pods corev1.PodList
	err := b.Cluster.Client.List(ctx, &pods, ctrlclient.InNamespace(stack.Namespace), ctrlclient.MatchingLabels{"control-plane": "controller-manager"})
	if err != nil {
		return nil, err
	}
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp == nil && pods.Items[i].Status.Phase == corev1.PodRunning {
			return &pods.Items[i], nil
		}
	}
	return nil, fmt.Errorf("no operator is running in %s", stack.Namespace)
}

// operator is the operator's process.
func (b *bench) operator(ctx context.Context) (process, error) {
	pod, err := b.operatorPod(ctx)
	if err != nil {
		return 0, err
	}
	return processOf(pod, operatorProgram)
}
