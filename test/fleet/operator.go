package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/measure"
	"github.com/fleetgate/fleetgate/test/internal/scrape"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// leaseName is the operator's lease, which it renews all the time.
const leaseName = "7d1f0c36.fleetgate.io"

// usage is what the operator has used up to one moment.
type usage struct {
	at  time.Time
	cpu time.Duration
	// rss and anonymous are its memory in bytes, and peak the most of the first.
	rss, anonymous, peak uint64
	// writes are its requests that change something, without those for the lease,
	// refused the part of them that failed, and routes those for statuses of routes.
	writes, refused, routes float64
	// looks are its reconciliations of Gateways.
	looks float64
	// reporting and silent are the proxies that it hears from, and does not.
	reporting, silent float64
}

// openMetrics has the operator serve its metrics without asking the API server
// about who reads them, which would count as its own writes.
func (b *bench) openMetrics(ctx context.Context) error {
	const patch = `[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--metrics-secure=false"}]`
	if _, err := b.Kubectl(ctx, "patch", "deployment", stack.Operator, "-n", stack.Namespace, "--type=json", "-p", patch); err != nil {
		return err
	}
	return b.WaitDeployment(ctx, stack.Namespace, stack.Operator)
}

// usage reads what the operator has used. Its lease is read before and after its
// metrics, until no renewal came in between.
func (b *bench) usage(ctx context.Context) (u usage, err error) {
	pod, err := b.OperatorPod(ctx)
	if err != nil {
		return u, err
	}
	err = client.Poll(ctx, func(ctx context.Context) error {
		before, err := b.renewals(ctx, pod.Name)
		if err != nil {
			return err
		}
		sample, err := scrape.Get(ctx, b.http, "http://"+net.JoinHostPort(pod.Status.PodIP, "8443")+"/metrics")
		if err != nil {
			return err
		}
		after, err := b.renewals(ctx, pod.Name)
		if err == nil && after != before {
			err = errors.New("the lease was renewed meanwhile")
		}
		u = read(sample)
		u.writes -= float64(after)
		return err
	})
	if err != nil {
		return u, fmt.Errorf("reading the operator's metrics: %w", err)
	}
	return u, u.process(pod.UID)
}

func read(sample scrape.Sample) (u usage) {
	u.at = time.Now()
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		u.writes += sample.Sum("rest_client_requests_total", scrape.Labels{"method": method})
		for _, code := range []string{"400", "403", "404", "409", "422", "429", "500", "503"} {
			u.refused += sample.Sum("rest_client_requests_total", scrape.Labels{"method": method, "code": code})
		}
	}
	u.routes = sample.Sum("fleetgate_operator_status_updates_total", scrape.Labels{"kind": "HTTPRoute"})
	u.looks = sample.Sum("controller_runtime_reconcile_total", scrape.Labels{"controller": "gateway"})
	u.reporting = sample.Sum("fleetgate_operator_proxies", scrape.Labels{"state": "reporting"})
	u.silent = sample.Sum("fleetgate_operator_proxies", scrape.Labels{"state": "silent"})
	return u
}

// process reads the CPU time and the memory of the pod's process.
func (u *usage) process(pod types.UID) error {
	procs, err := measure.Processes(pod, "fleetgate")
	if err != nil {
		return err
	}
	if len(procs) != 1 {
		return fmt.Errorf("pod %s has %d processes of the operator, want 1", pod, len(procs))
	}
	stat, err := procs[0].Stat()
	if err != nil {
		return err
	}
	status, err := procs[0].NewStatus()
	if err != nil {
		return err
	}
	u.cpu = time.Duration(stat.CPUTime() * float64(time.Second))
	u.rss, u.anonymous, u.peak = status.VmRSS, status.RssAnon, status.VmHWM
	return nil
}

// renewals counts how often the pod has written its lease since the bench follows
// that.
func (b *bench) renewals(ctx context.Context, pod string) (int, error) {
	lease := &coordinationv1.Lease{}
	if err := b.Client.Get(ctx, types.NamespacedName{Namespace: stack.Namespace, Name: leaseName}, lease); err != nil {
		return 0, err
	}
	return b.leases.upTo(ctx, pod, lease.ResourceVersion)
}
