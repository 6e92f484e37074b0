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

// usage is what processes use of the machine. workingSet is their container's.
type usage struct {
	rss, anonymous, workingSet uint64
	cpu                        time.Duration
}

// greater takes the greater memory of both, and the later CPU time.
func (u usage) greater(o usage) usage {
	return usage{
		rss: max(u.rss, o.rss), anonymous: max(u.anonymous, o.anonymous), workingSet: max(u.workingSet, o.workingSet), cpu: o.cpu,
	}
}

// processes are those of a program in a pod: a proxy has a supervisor. The cluster's
// processes are to be seen from outside.
type processes []int

// processesOf finds a pod's processes by their program.
func processesOf(pod *corev1.Pod, program string) (processes, error) {
	found, err := measure.Processes(pod.UID, program)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("pod %s has no process %s", pod.Name, program)
	}
	var all processes
	for _, p := range found {
		all = append(all, p.PID)
	}
	return all, nil
}

// usage is what they use together. Pages that they share are counted for each, but for
// the working set.
func (p processes) usage() (sum usage, err error) {
	first, err := procfs.NewProc(p[0])
	if err != nil {
		return sum, err
	}
	if sum.workingSet, err = measure.WorkingSet(first); err != nil {
		return sum, err
	}
	for _, pid := range p {
		u, err := usageOf(pid)
		if err != nil {
			return sum, err
		}
		sum.rss, sum.anonymous, sum.cpu = sum.rss+u.rss, sum.anonymous+u.anonymous, sum.cpu+u.cpu
	}
	return sum, nil
}

func usageOf(pid int) (u usage, err error) {
	proc, err := procfs.NewProc(pid)
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
func (b *bench) operator(ctx context.Context) (processes, error) {
	pod, err := b.OperatorPod(ctx)
	if err != nil {
		return nil, err
	}
	return processesOf(pod, operatorProgram)
}
