package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/measure"
)

// settled gives the tenant a route to its backend that has taken effect, on
// every proxy.
func settled(t *testing.T, name string) *tenantSpace {
	t.Helper()
	s := serving(t, name, "shop")
	s.route("shop", "shop.example.com", "steady", "shop")
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "steady", Name: s.namespace, Version: "shop"})
	time.Sleep(time.Second) // the other proxy may be a moment behind
	return s
}

func TestProxyPodIsDeletedUnderLoad(t *testing.T) {
	s := settled(t, "proxy-deleted")
	run := s.load("shop.example.com", load.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := run.WaitSent(ctx, 5_000); err != nil {
		t.Fatal(err)
	}
	pods, err := s.gateway.Pods(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(pods) != 2 {
		t.Fatalf("the Gateway has %d proxies, want 2", len(pods))
	}
	if err := cluster.Client.Delete(ctx, &pods[0]); err != nil {
		t.Fatal(err)
	}
	if err := cluster.WaitGone(ctx, &pods[0]); err != nil {
		t.Fatal(err)
	}
	s.waitDeployment("web-fleetgate")
	wantNoneFailed(t, run, run.Sent()+5_000)
}

// The processes that serve are killed without warning, one of each pod, and the next
// ones as soon as they are there. What was in progress on them is lost, and nobody is
// refused: the kubelet has nothing to restart, and no endpoint to be left out.
func TestProxyProcessesAreKilledUnderLoad(t *testing.T) {
	s := settled(t, "proxy-killed")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	pods, err := s.gateway.Pods(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const workers = 8
	run := s.load("shop.example.com", load.Options{Workers: workers})
	kills := 0
	for range 3 {
		if err := run.WaitSent(ctx, run.Sent()+3_000); err != nil {
			t.Fatal(err)
		}
		for i := range pods {
			if err := killWorker(ctx, &pods[i], "fleetgate-proxy"); err != nil {
				t.Fatal(err)
			}
			kills++
		}
	}
	if err := run.WaitSent(ctx, run.Sent()+5_000); err != nil {
		t.Error(err)
	}
	result := run.Stop()
	t.Logf("measured: %d proxies killed: %s", kills, result)
	if result.Failed > int64(kills*workers) {
		t.Errorf("more failed than was in progress: %s", result)
	}
	for text, n := range result.Errors {
		if strings.Contains(text, "refused") {
			t.Errorf("%d requests: %s", n, text)
		}
	}
	for i := range pods {
		wantNoRestarts(t, &pods[i])
	}
}

// wantNoRestarts asserts that Kubernetes has restarted no container of a pod, and brings
// the pod up to date.
func wantNoRestarts(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	if err := cluster.Client.Get(t.Context(), ctrlclient.ObjectKeyFromObject(pod), pod); err != nil {
		t.Fatal(err)
	}
	for _, c := range pod.Status.ContainerStatuses {
		if c.RestartCount != 0 {
			t.Errorf("container %s of %s was restarted %d times", c.Name, pod.Name, c.RestartCount)
		}
	}
}

// killWorker kills the process of a program that does the work in a proxy's pod, once it
// is there: the child of the other one of the same program.
func killWorker(ctx context.Context, pod *corev1.Pod, program string) error {
	return client.Poll(ctx, func(context.Context) error {
		found, err := measure.Processes(pod.UID, program)
		if err != nil {
			return err
		}
		pids := map[int]bool{}
		for _, p := range found {
			pids[p.PID] = true
		}
		for _, p := range found {
			if stat, err := p.Stat(); err == nil && pids[stat.PPID] {
				return syscall.Kill(p.PID, syscall.SIGKILL)
			}
		}
		return fmt.Errorf("pod %s has no worker among %d processes", pod.Name, len(found))
	})
}

func TestBackendsAreRolledOutUnderLoad(t *testing.T) {
	s := settled(t, "backend-rollout")
	run := s.load("shop.example.com", load.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := run.WaitSent(ctx, 5_000); err != nil {
		t.Fatal(err)
	}
	before, err := backendPods(ctx, s.namespace)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Kubectl(ctx, "rollout", "restart", "deployment/shop", "-n", s.namespace); err != nil {
		t.Fatal(err)
	}
	err = client.Poll(ctx, func(ctx context.Context) error {
		now, err := backendPods(ctx, s.namespace)
		if err != nil {
			return err
		}
		for name := range before {
			if now[name] {
				return fmt.Errorf("pod %s is still there", name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantNoneFailed(t, run, run.Sent()+5_000)
}

func backendPods(ctx context.Context, namespace string) (map[string]bool, error) {
	var pods corev1.PodList
	err := cluster.Client.List(ctx, &pods, ctrlclient.InNamespace(namespace), ctrlclient.MatchingLabels{"app": "shop"})
	names := map[string]bool{}
	for _, pod := range pods.Items {
		names[pod.Name] = true
	}
	return names, err
}
