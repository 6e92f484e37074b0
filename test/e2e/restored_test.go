package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/load"
)

// A cluster is restored from a backup as its administrators do it: etcd gets the data of
// then, revisions go on beyond those that were handed out since, and what remembers of
// Kubernetes starts anew. The operator does not: it knows objects that are no more.
// Proxies serve all the while, and then what there was; no Service is another one.
func TestARestoredClusterServesOn(t *testing.T) {
	s := settled(t, "restored")
	pods, err := s.gateway.Pods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(settling)
	service, workload := s.uidOf("service/web-fleetgate"), s.uidOf("deployment/web-fleetgate")
	runScript(t, saveEtcd)
	s.route("shop", "shop.example.com", "later", "shop")
	s.applyText(twoListeners, nil)
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "later", Name: s.namespace, Version: "shop"})
	s.wantText("service/web-fleetgate", "{.spec.ports[*].port}", "80 8080")

	run := s.load("shop.example.com", load.Options{Pace: time.Millisecond, Classify: func(r *http.Response, _ []byte) string { return r.Header.Get("X-Mark") }})
	last := revision(t)
	runScript(t, restoreEtcd)
	s.waitAPIServer()
	if mark := s.textOf("httproute/shop", "{.spec.rules[*].filters[*].responseHeaderModifier.set[*].value}"); mark != "steady" {
		t.Fatalf("the route is the one of %q", mark)
	}
	s.bumpRevision(last)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	for _, pod := range pods {
		if err := s.untilMarked(ctx, pod.Status.PodIP, "steady"); err != nil {
			t.Fatal(err)
		}
	}
	s.waitProgrammed()
	s.wantText("gateway/web", "{.status.listeners[*].name}", "http")
	time.Sleep(settling)
	if is := s.uidOf("service/web-fleetgate"); is != service {
		t.Errorf("the Service is %s, and was %s", is, service)
	}
	if is := s.uidOf("deployment/web-fleetgate"); is != workload {
		t.Errorf("the Deployment is %s, and was %s", is, workload)
	}
	if ports := s.textOf("service/web-fleetgate", "{.spec.ports[*].port}"); ports != "80" {
		t.Errorf("the Service has the ports %s", ports)
	}
	result := wantNoneFailed(t, run, 1000)
	for mark := range result.Classes {
		if mark != "steady" && mark != "later" {
			t.Errorf("a request was answered by the route %q", mark)
		}
	}

	s.route("shop", "shop.example.com", "after", "shop")
	s.untilServed(pods, "after")
}

func (s *tenantSpace) uidOf(object string) string { return s.textOf(object, "{.metadata.uid}") }

func (s *tenantSpace) textOf(object, path string) string {
	s.t.Helper()
	out, err := cluster.Kubectl(s.t.Context(), "get", object, "-n", s.namespace, "-o", "jsonpath="+path)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(out)
}

// A process that stands still leaves its files as a crash would, which etcd is made for.
const (
	saveEtcd = `
etcd=$(one etcd)
rm -rf /var/lib/etcd-saved
kill -STOP $etcd
cp -a /var/lib/etcd /var/lib/etcd-saved
kill -CONT $etcd
`
	restoreEtcd = `
etcd=$(one etcd)
kill -STOP $etcd
rm -rf /var/lib/etcd/member
mv /var/lib/etcd-saved/member /var/lib/etcd/member
rm -r /var/lib/etcd-saved
kill -9 $etcd $(pids kube-apiserver) $(pids kube-controller) $(pids kube-scheduler) $(pids kubelet) $(pids kube-proxy)
`
)

// revision is the cluster's.
func revision(t *testing.T) (n uint64) {
	t.Helper()
	wait(t, func(ctx context.Context) error {
		out, err := cluster.Kubectl(ctx, "get", "--raw", "/api/v1/namespaces?fieldSelector=metadata.name=none")
		if err != nil {
			return err
		}
		_, rest, _ := strings.Cut(string(out), `"resourceVersion":"`)
		text, _, _ := strings.Cut(rest, `"`)
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			return fmt.Errorf("reading the revision in %s: %w", out, err)
		}
		return nil
	})
	return n
}

// bumpRevision writes until the cluster's revision is beyond one, so that who still watches
// from there misses nothing more.
func (s *tenantSpace) bumpRevision(last uint64) {
	s.t.Helper()
	for i := 0; revision(s.t) <= last; i++ {
		wait(s.t, func(ctx context.Context) error {
			_, err := cluster.Kubectl(ctx, "annotate", "--overwrite", "namespace/"+s.namespace, "example.com/bump="+strconv.Itoa(i))
			return err
		})
	}
}
