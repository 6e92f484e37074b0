package main

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/procfs"
	corev1 "k8s.io/api/core/v1"

	"github.com/fleetgate/fleetgate/test/internal/measure"
)

// The programs whose use of the machine is measured.
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

// processOf finds a pod's process by its program.
func processOf(pod *corev1.Pod, program string) (process, error) {
	found, err := measure.Processes(pod.UID, program)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, fmt.Errorf("pod %s has no process %s", pod.Name, program)
	}
	return process(found[0].PID), nil
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

// operator is the operator's process.
func (b *bench) operator(ctx context.Context) (process, error) {
	pod, err := b.OperatorPod(ctx)
	if err != nil {
		return 0, err
	}
	return processOf(pod, operatorProgram)
}
