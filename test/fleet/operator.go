package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/test/internal/measure"
	"github.com/fleetgate/fleetgate/test/internal/scrape"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// usage is what the operator has used up to one moment.
type usage struct {
	at  time.Time
	cpu time.Duration
	// rss and anonymous are its memory in bytes, and peak the most of the first.
	rss, anonymous, peak uint64
	// wrote are its requests that change something, by verb, resource and group, and
	// writes all of them, refused the part that failed, and routes those for statuses of
	// routes.
	wrote                   map[string]float64
	writes, refused, routes float64
	// conflicts are the statuses that were refused as somebody else, or a cache that is
	// behind, has them newer, by kind.
	conflicts map[string]float64
	// looks are its reconciliations of Gateways, and panics those of translations.
	looks, panics float64
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

// usage reads what the operator has used.
func (b *bench) usage(ctx context.Context) (u usage, err error) {
	pod, err := b.OperatorPod(ctx)
	if err != nil {
		return u, err
	}
	sample, err := scrape.Get(ctx, b.http, "http://"+net.JoinHostPort(pod.Status.PodIP, "8443")+"/metrics")
	if err != nil {
		return u, fmt.Errorf("reading the operator's metrics: %w", err)
	}
	u = read(sample)
	return u, u.process(pod.UID)
}

func read(sample scrape.Sample) (u usage) {
	u.at = time.Now()
	u.wrote = stack.Written(sample)
	for _, n := range u.wrote {
		u.writes += n
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		for _, code := range []string{"400", "403", "404", "409", "422", "429", "500", "503"} {
			u.refused += sample.Sum("rest_client_requests_total", scrape.Labels{"method": method, "code": code})
		}
	}
	u.routes = sample.Sum("fleetgate_operator_status_updates_total", scrape.Labels{"kind": "HTTPRoute"})
	u.conflicts = make(map[string]float64)
	for what, n := range sample.By("fleetgate_operator_status_updates_total", "kind", "result") {
		if kind, conflict := strings.CutSuffix(what, " conflict"); conflict {
			u.conflicts[kind] = n
		}
	}
	u.looks = sample.Sum("controller_runtime_reconcile_total", scrape.Labels{"controller": "gateway"})
	u.panics = sample.Sum("fleetgate_operator_translation_panics_total", nil)
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
