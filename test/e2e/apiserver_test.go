package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fleetgate/fleetgate/internal/long"
	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
)

// catchesUp bounds how long a change takes to serve that is made as soon as the API server is
// back, however many outages there were before. The operator and the proxies ask for it every
// two seconds, and it has forgotten what they watched.
const catchesUp = 30 * time.Second

// The API server is killed, with all watches and all calls that are on their way, and
// stays away for some seconds each time.
func TestAPIServerGoesAndComesBackUnderLoad(t *testing.T) {
	s := settled(t, "api-server")
	pods, err := s.gateway.Pods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run := s.load("shop.example.com", load.Options{Pace: time.Millisecond})
	n := long.N(2, 20)
	var slowest time.Duration
	for i := range n {
		s.killAPIServer()
		sent := run.Sent()
		s.waitAPIServer()
		if served := run.Sent() - sent; served < 500 {
			t.Errorf("only %d requests were sent while there was no API server", served)
		}
		// Everybody has to watch again, and not to miss what comes next.
		mark := fmt.Sprintf("back-%d", i)
		s.route("shop", "shop.example.com", mark, "shop")
		took := s.untilServed(pods, mark)
		t.Logf("after outage %d the change was served within %.1f s", i+1, took.Seconds())
		slowest = max(slowest, took)
	}
	result := wantNoneFailed(t, run, run.Sent()+1000)
	long.Report(t, "Times that the API server was away under load", n,
		fmt.Sprintf("%s; each change that followed was served within %.1f s", result, slowest.Seconds()))
}

// untilServed waits until each proxy serves a change, and returns how long that took.
func (s *tenantSpace) untilServed(pods []corev1.Pod, mark string) time.Duration {
	s.t.Helper()
	changed := time.Now()
	ctx, cancel := context.WithTimeout(s.t.Context(), catchesUp)
	defer cancel()
	for _, pod := range pods {
		if err := s.untilMarked(ctx, pod.Status.PodIP, mark); err != nil {
			s.t.Fatal(err)
		}
	}
	return time.Since(changed)
}

// All connections to the API server are cut every two seconds, while routes change.
func TestWatchesAreCutUnderLoad(t *testing.T) {
	s := settled(t, "watches")
	run := s.load("shop.example.com", load.Options{Pace: time.Millisecond})
	n := long.N(4, 100)
	for i := range n {
		if _, err := cluster.Exec(t.Context(), "ss", "-K", "state", "established", "sport", "=", ":6443"); err != nil {
			t.Fatal(err)
		}
		cut := time.Now()
		mark := fmt.Sprintf("cut-%d", i)
		// The connection of this client was cut, too.
		wait(t, func(ctx context.Context) error {
			_, err := cluster.Kubectl(ctx, "annotate", "--overwrite", "httproute/shop", "-n", s.namespace, "example.com/cut="+mark)
			return err
		})
		s.route("shop", "shop.example.com", mark, "shop")
		s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: mark, Name: s.namespace, Version: "shop"})
		time.Sleep(time.Until(cut.Add(2 * time.Second)))
	}
	result := wantNoneFailed(t, run, run.Sent()+1000)
	long.Report(t, "Times that all watches were cut under load", n, result.String())
}

func (s *tenantSpace) killAPIServer() {
	s.t.Helper()
	runScript(s.t, "api=$(one kube-apiserver)\nkill -9 $api")
}

// waitAPIServer waits until it is ready.
func (s *tenantSpace) waitAPIServer() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	err := client.Poll(ctx, func(ctx context.Context) error {
		_, err := cluster.Kubectl(ctx, "get", "--raw", "/readyz")
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}
