package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/scrape"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// seen is what the sensors of a Gateway have counted.
type seen struct {
	// all is the number of requests, and route that of the tenant's route.
	all, route float64
	latency    scrape.Histogram
}

func (s *tenantSpace) seen(ctx context.Context) (seen, error) {
	samples, err := s.gateway.Scrape(ctx, cluster.HTTPClient(), tenant.SensorMetrics)
	var sum seen
	for _, sample := range samples {
		sum.all += sample.Sum("fleetgate_requests_total", nil)
		sum.route += sample.Sum("fleetgate_requests_total", scrape.Labels{"route": s.namespace + "/shop"})
		sum.latency = sum.latency.Add(sample.Histogram("fleetgate_request_duration_seconds", nil))
	}
	return sum, err
}

func TestSensorCountsExactlyTheRequestsThatWereSent(t *testing.T) {
	s := settled(t, "sensor")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.gateway.WaitMeasured(ctx, cluster.HTTPClient()); err != nil {
		t.Fatal(err)
	}
	s.wantCapabilities()
	before, err := s.seen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const sent = 20_000
	if result := s.load("shop.example.com", load.Options{Max: sent}).Wait(); result.Failed > 0 {
		t.Fatal(result)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	// A request is counted when it has ended for the proxy, which may be just
	// after the client has read all of the answer.
	err = client.Poll(ctx, func(ctx context.Context) error {
		now, err := s.seen(ctx)
		if err != nil {
			return err
		}
		all, measured := now.all-before.all, now.latency.Count-before.latency.Count
		if all != sent || measured != sent || now.route < sent {
			return fmt.Errorf("%d requests were sent; the sensors counted %.0f, measured %.0f, and know %.0f of the route", sent, all, measured, now.route)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// The processes that count are killed under load, one of each pod, and the next ones as
// soon as they are there. No client notices, Kubernetes neither, and counting goes on.
func TestSensorsThatCrashAreNotMissed(t *testing.T) {
	s := settled(t, "sensor-killed")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.gateway.WaitMeasured(ctx, cluster.HTTPClient()); err != nil {
		t.Fatal(err)
	}
	pods, err := s.gateway.Pods(ctx)
	if err != nil || len(pods) == 0 {
		t.Fatalf("%d pods, error %v", len(pods), err)
	}
	run := s.load("shop.example.com", load.Options{})
	for range 3 {
		if err := run.WaitSent(ctx, run.Sent()+2_000); err != nil {
			t.Fatal(err)
		}
		for i := range pods {
			if err := killWorker(ctx, &pods[i], "fleetgate-sensor"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.gateway.WaitMeasured(ctx, cluster.HTTPClient()); err != nil {
		t.Error(err)
	}
	wantNoneFailed(t, run, run.Sent()+2_000)
	for i := range pods {
		before := readySince(&pods[i])
		wantNoRestarts(t, &pods[i])
		if now := readySince(&pods[i]); before.IsZero() || now != before {
			t.Errorf("pod %s is ready since %v, and was since %v", pods[i].Name, now, before)
		}
	}
}

// readySince is when a pod became ready; zero if it is not.
func readySince(pod *corev1.Pod) time.Time {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

// wantCapabilities asserts that the sensors were admitted with what they load programs
// by and nothing else, the proxies with nothing, and that they share no namespaces with
// the node, nor processes with one another.
func (s *tenantSpace) wantCapabilities() {
	s.t.Helper()
	want := map[string][]corev1.Capability{"proxy": nil, "sensor": {"BPF", "PERFMON", "NET_ADMIN"}}
	pods, err := s.gateway.Pods(s.t.Context())
	if err != nil || len(pods) == 0 {
		s.t.Fatalf("%d pods, error %v", len(pods), err)
	}
	for _, pod := range pods {
		if of := pod.Spec; of.HostPID || of.HostNetwork || of.HostIPC || of.ShareProcessNamespace != nil && *of.ShareProcessNamespace {
			s.t.Errorf("pod %s shares namespaces", pod.Name)
		}
		for _, container := range pod.Spec.Containers {
			context := container.SecurityContext
			if context == nil || context.Capabilities == nil || context.Privileged != nil && *context.Privileged {
				s.t.Errorf("%s of pod %s: %+v", container.Name, pod.Name, context)
				continue
			}
			if got := *context.Capabilities; !slices.Equal(got.Add, want[container.Name]) || !slices.Equal(got.Drop, []corev1.Capability{"ALL"}) {
				s.t.Errorf("%s of pod %s has capabilities %+v", container.Name, pod.Name, got)
			}
		}
	}
}
