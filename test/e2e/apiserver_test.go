package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/internal/long"
	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
)

// catchesUp bounds how long the operator takes to hear of a change after an outage. What it
// has seen last is too old for an API server that has just started, and before it lists
// everything anew an informer pauses: for longer with each outage within two minutes, and up
// to a minute.
func catchesUp(outages int) time.Duration {
	if outages < 4 {
		return 30 * time.Second
	}
	return 90 * time.Second
}

// The API server is killed, with all watches and all calls that are on their way, and
// stays away for some seconds each time.
func TestAPIServerGoesAndComesBackUnderLoad(t *testing.T) {
	s := settled(t, "api-server")
	run := s.load("shop.example.com", load.Options{Pace: time.Millisecond})
	n := long.N(2, 20)
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
		s.waitWithin(catchesUp(i), "shop.example.com", "/", answer{Status: http.StatusOK, Mark: mark, Name: s.namespace, Version: "shop"})
	}
	result := wantNoneFailed(t, run, run.Sent()+1000)
	long.Report(t, "Times that the API server was away under load", n, result.String())
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
	const script = `for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = kube-apiserver ] && kill -9 ${p#/proc/} && echo killed; done 2>/dev/null; true`
	out, err := cluster.Exec(s.t.Context(), "sh", "-c", script)
	if err != nil || string(out) != "killed\n" {
		s.t.Fatalf("killing the API server: %q, %v", out, err)
	}
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
