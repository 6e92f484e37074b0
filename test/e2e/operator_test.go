package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/measure"
	"github.com/fleetgate/fleetgate/test/internal/scrape"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

func TestOperatorIsKilledWhileTrafficRuns(t *testing.T) {
	s := settled(t, "operator-killed")
	s.writeByHand()
	before := s.versions()
	run := s.load("shop.example.com", load.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for i := int64(1); i <= 2; i++ {
		if err := run.WaitSent(ctx, i*30_000); err != nil {
			t.Fatal(err)
		}
		// The end of other tests' namespaces is a reason to write.
		if err := waitQuiet(ctx); err != nil {
			t.Fatal(err)
		}
		if err := killOperator(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := cluster.WaitDeployment(ctx, stack.Namespace, stack.Operator); err != nil {
		t.Fatal(err)
	}
	// It finds everything as it was, and so writes nothing, nor anything that is there.
	s.waitHeard()
	if diff := cmp.Diff(before, s.versions()); diff != "" {
		t.Errorf("objects before the operator was killed, and after it came back:\n%s", diff)
	}
	if wrote := operatorWrote(ctx, t); len(wrote) > 0 {
		t.Errorf("after it came back, the operator has made the requests %v", wrote)
	}
	// It must still be able to change something, and nothing that others have written.
	s.route("shop", "shop.example.com", "changed", "shop")
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "changed", Name: s.namespace, Version: "shop"})
	s.applyText(twoListeners, nil)
	s.wantText("service/web-fleetgate", "{.spec.ports[*].port}", "80 8080")
	s.wantByHand()
	if wrote := operatorWrote(ctx, t); wrote["update configmaps "] == 0 {
		t.Errorf("the operator has stored a change, and counts the requests %v", wrote)
	}
	wantNoneFailed(t, run, 100_000)
}

// A leader that stands still for longer than its lease lasts, and then goes on where it
// stood, changes nothing of what another one has made meanwhile.
func TestALeaderThatWasPausedChangesNothing(t *testing.T) {
	s := settled(t, "paused")
	scaleOperator(t.Context(), t, 2)
	t.Cleanup(func() { scaleOperator(context.WithoutCancel(t.Context()), t, 1) })
	leader := leaderOf(t)
	process := operatorProcess(t, leader)
	if err := process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Signal(unix.SIGCONT) })
	wait(t, func(ctx context.Context) error {
		if leaderOf(t) == leader {
			return errors.New("the lease has not been taken")
		}
		return nil
	})
	s.route("shop", "shop.example.com", "changed", "shop")
	s.applyText(twoListeners, nil)
	changed := answer{Status: http.StatusOK, Mark: "changed", Name: s.namespace, Version: "shop"}
	s.waitFor("shop.example.com", "/", changed)
	s.waitProgrammed()
	time.Sleep(settling)
	before := s.versions()

	run := s.load("shop.example.com", load.Options{Pace: time.Millisecond, Classify: func(r *http.Response, _ []byte) string { return r.Header.Get("X-Mark") }})
	if err := process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	wait(t, func(context.Context) error {
		if process.Signal(unix.Signal(0)) == nil {
			return errors.New("the process that lost its lease still runs")
		}
		return nil
	})
	time.Sleep(settling)
	if diff := cmp.Diff(before, s.versions()); diff != "" {
		t.Errorf("objects before the leader went on, and after it:\n%s", diff)
	}
	if result := wantNoneFailed(t, run, 100); len(result.Classes) != 1 {
		t.Errorf("requests were answered by the routes %v", result.Classes)
	}
}

// leaderOf returns the name of the pod that holds the operator's lease.
func leaderOf(t *testing.T) string {
	t.Helper()
	out, err := cluster.Kubectl(t.Context(), "get", "leases", "-n", stack.Namespace, "-o", "jsonpath={.items[*].spec.holderIdentity}")
	if err != nil {
		t.Fatal(err)
	}
	pod, _, _ := strings.Cut(string(out), "_")
	return pod
}

// operatorProcess finds the process of one of the operator's pods.
func operatorProcess(t *testing.T, name string) *os.Process {
	t.Helper()
	pod := &corev1.Pod{}
	if err := cluster.Client.Get(t.Context(), ctrlclient.ObjectKey{Namespace: stack.Namespace, Name: name}, pod); err != nil {
		t.Fatal(err)
	}
	found, err := measure.Processes(pod.UID, "fleetgate")
	if err != nil || len(found) != 1 {
		t.Fatalf("pod %s has %d processes of the operator, %v", name, len(found), err)
	}
	process, err := os.FindProcess(found[0].PID)
	if err != nil {
		t.Fatal(err)
	}
	return process
}

// settling is longer than a status waits that may.
const settling = 3 * time.Second

// versions are those of what the operator writes to. The statuses of workloads are those
// of others.
func (s *tenantSpace) versions() []string {
	s.t.Helper()
	var list []string
	for kinds, version := range map[string]string{
		"gateways,httproutes,services,configmaps,secrets,serviceaccounts,roles,rolebindings,networkpolicies": "resourceVersion",
		"deployments,poddisruptionbudgets": "generation",
	} {
		out, err := cluster.Kubectl(s.t.Context(), "get", kinds, "-n", s.namespace, "-o",
			`jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.`+version+`}{"\n"}{end}`)
		if err != nil {
			s.t.Fatal(err)
		}
		list = slices.AppendSeq(list, strings.Lines(string(out)))
	}
	slices.Sort(list)
	return list
}

// waitHeard waits until the operator has heard of the tenant's proxies, and of others'
// perhaps, and has had a moment to write what it thinks of that.
func (s *tenantSpace) waitHeard() {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		sample, err := operatorMetrics(ctx)
		if heard := sample.Sum("fleetgate_operator_proxies", scrape.Labels{"state": "reporting"}); err == nil && heard < 2 {
			err = fmt.Errorf("the operator has heard of %v proxies", heard)
		}
		return err
	})
	time.Sleep(settling)
}

// operatorMetrics scrapes the operator.
func operatorMetrics(ctx context.Context) (scrape.Sample, error) {
	reader, err := cluster.MetricsReader(ctx)
	if err != nil {
		return nil, err
	}
	return cluster.OperatorMetrics(ctx, reader)
}

// operatorWrote counts what the operator has asked the API server to change; see
// stack.Written.
func operatorWrote(ctx context.Context, t *testing.T) map[string]float64 {
	t.Helper()
	sample, err := operatorMetrics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return stack.Written(sample)
}

// killOperator ends the operator without a chance to say goodbye.
func killOperator(ctx context.Context) error {
	zero := int64(0)
	return cluster.Client.DeleteAllOf(ctx, &corev1.Pod{}, ctrlclient.InNamespace(stack.Namespace),
		ctrlclient.MatchingLabels{"control-plane": "controller-manager"},
		&ctrlclient.DeleteAllOfOptions{DeleteOptions: ctrlclient.DeleteOptions{GracePeriodSeconds: &zero}})
}

// writeByHand writes to objects of the fleet what is nobody's business but the
// writer's.
func (s *tenantSpace) writeByHand() {
	s.t.Helper()
	s.kubectl("annotate", "service/web-fleetgate", "deployment/web-fleetgate", "example.com/owner=shop")
	s.kubectl("label", "service/web-fleetgate", "deployment/web-fleetgate", "team=shop")
	s.kubectl("patch", "service/web-fleetgate", "--field-manager=theirs", "-p", `{"spec":{"trafficDistribution":"PreferSameZone"}}`)
	s.kubectl("patch", "deployment/web-fleetgate", "--field-manager=theirs", "-p", `{"spec":{"progressDeadlineSeconds":555}}`)
	s.wantByHand()
}

func (s *tenantSpace) wantByHand() {
	s.t.Helper()
	const marks = `{.metadata.annotations.example\.com/owner} {.metadata.labels.team} `
	s.wantText("service/web-fleetgate", marks+"{.spec.trafficDistribution}", "shop shop PreferSameZone")
	s.wantText("deployment/web-fleetgate", marks+"{.spec.progressDeadlineSeconds}", "shop shop 555")
}
