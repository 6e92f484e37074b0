package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/internal/scrape"
	"github.com/fleetgate/fleetgate/test/internal/stack"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// fleetSize is how many proxies a Gateway has where nothing is said.
const fleetSize = 2

// agent is the pod of the node's agent that is not on its way out.
func agent(ctx context.Context) (*corev1.Pod, error) {
	var pods corev1.PodList
	err := cluster.Client.List(ctx, &pods, ctrlclient.InNamespace(stack.Namespace),
		ctrlclient.MatchingLabels{"app.kubernetes.io/name": "fleetgate-node-agent"})
	if err != nil {
		return nil, err
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; pod.DeletionTimestamp == nil && pod.Status.PodIP != "" {
			return pod, nil
		}
	}
	return nil, fmt.Errorf("of %d agents none runs", len(pods.Items))
}

// agentSample is what the agent of the node exports.
func agentSample(t *testing.T) (sample scrape.Sample) {
	t.Helper()
	wait(t, func(ctx context.Context) error {
		pod, err := agent(ctx)
		if err != nil {
			return err
		}
		sample, err = scrape.Get(ctx, cluster.HTTPClient(), "http://"+pod.Status.PodIP+":19004/metrics")
		return err
	})
	return sample
}

// replaceAgent has another agent come in place of the one that is there, and waits
// until that counts for so many pods.
func replaceAgent(t *testing.T, pods int) {
	t.Helper()
	before, err := agent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Client.Delete(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	wait(t, func(ctx context.Context) error {
		now, err := agent(ctx)
		if err != nil {
			return err
		}
		sample, err := scrape.Get(ctx, cluster.HTTPClient(), "http://"+now.Status.PodIP+":19004/metrics")
		if err != nil {
			return err
		}
		if n := sample.Sum("fleetgate_node_agent_pods", nil); now.UID == before.UID || n < float64(pods) {
			return fmt.Errorf("agent %s counts for %v pods, want %d", now.Name, n, pods)
		}
		return nil
	})
}

// wantUndisturbed asserts that all pods are ready and have been from their start.
func (s *tenantSpace) wantUndisturbed() {
	s.t.Helper()
	pods, err := s.gateway.Pods(s.t.Context())
	if err != nil || len(pods) != fleetSize {
		s.t.Fatalf("%d pods, error %v", len(pods), err)
	}
	for _, pod := range pods {
		for _, container := range pod.Status.ContainerStatuses {
			if !container.Ready || container.RestartCount > 0 {
				s.t.Errorf("%s of pod %s: ready %t, restarted %d times", container.Name, pod.Name, container.Ready, container.RestartCount)
			}
		}
	}
}

// waitForAgents waits until the sensors of all pods are counted for.
func (s *tenantSpace) waitForAgents() {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		samples, err := s.gateway.Scrape(ctx, cluster.HTTPClient(), tenant.SensorMetrics)
		if err != nil {
			return err
		}
		for _, sample := range samples {
			if mode := sample.Label("fleetgate_sensor_info", "l4_mode"); mode != "node" {
				return fmt.Errorf("a sensor counts connections by %s", mode)
			}
		}
		return nil
	})
}

// connections says how many were opened that have the labels.
func (s *tenantSpace) connections(labels scrape.Labels) (opened float64) {
	s.t.Helper()
	samples, err := s.gateway.Scrape(s.t.Context(), cluster.HTTPClient(), tenant.SensorMetrics)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, sample := range samples {
		opened += sample.Sum("fleetgate_tcp_connections_opened_total", labels)
	}
	return opened
}

// waitConnections waits until connections are told by listener and by backend, with the
// time that those to the backend took.
func (s *tenantSpace) waitConnections() {
	s.t.Helper()
	backend := scrape.Labels{"backend": s.namespace + "/shop:8080"}
	wait(s.t, func(ctx context.Context) error {
		samples, err := s.gateway.Scrape(ctx, cluster.HTTPClient(), tenant.SensorMetrics)
		if err != nil {
			return err
		}
		var down, up, timed float64
		for _, sample := range samples {
			down += sample.Sum("fleetgate_tcp_connections_opened_total", scrape.Labels{"side": "downstream", "listener": "http"})
			up += sample.Sum("fleetgate_tcp_connections_opened_total", backend)
			timed += sample.Histogram("fleetgate_tcp_connect_duration_seconds", backend).Count
		}
		if down == 0 || up == 0 || timed != up {
			return fmt.Errorf("%v connections of clients, %v to the backend, of which %v have a time", down, up, timed)
		}
		return nil
	})
}

// The path at which the server sends longAnswer and keeps the connection, and how much
// that is: of what is sent below that there are heads of a few hundred bytes.
const (
	longPath   = "/long"
	longAnswer = 1 << 20
)

// longAnswers are those that a server has not ended.
type longAnswers struct{ open atomic.Int32 }

// ServeHTTP sends much at longPath, and does not end before the client has left. What is
// asked for elsewhere is empty.
func (l *longAnswers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != longPath {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	l.open.Add(1)
	defer l.open.Add(-1)
	_, _ = w.Write(make([]byte, longAnswer))
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// waitOpenBytes has one long answer be on its way to a client, and waits until its bytes
// are told from the backend and to the client while both connections are open.
func (s *tenantSpace) waitOpenBytes(server *longAnswers) {
	s.t.Helper()
	before := s.payload()
	ctx, leave := context.WithCancel(s.t.Context())
	defer leave()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+longPath, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Host = "shop.example.com"
	resp, err := newConnections().Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(io.Discard, resp.Body, longAnswer); err != nil {
		s.t.Fatal(err)
	}
	wait(s.t, func(context.Context) error {
		now := s.payload()
		received, sent := now.received-before.received, now.sent-before.sent
		if received < longAnswer || sent < longAnswer {
			return fmt.Errorf("of an open answer of %d bytes %v are told as received and %v as sent", longAnswer, received, sent)
		}
		return nil
	})
	if n := server.open.Load(); n != 1 {
		s.t.Errorf("%d long answers are on their way, want one", n)
	}
}

// payload is what was received from the backend and sent to clients.
type payload struct{ received, sent float64 }

func (s *tenantSpace) payload() (sum payload) {
	s.t.Helper()
	samples, err := s.gateway.Scrape(s.t.Context(), cluster.HTTPClient(), tenant.SensorMetrics)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, sample := range samples {
		sum.received += sample.Sum("fleetgate_tcp_received_bytes_total", scrape.Labels{"backend": s.namespace + "/shop:8080"})
		sum.sent += sample.Sum("fleetgate_tcp_transmitted_bytes_total", scrape.Labels{"listener": "http"})
	}
	return sum
}
