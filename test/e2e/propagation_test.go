package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// changes is how many route changes are measured.
const changes = 200

func TestRouteChangesTakeEffectInEveryProxy(t *testing.T) {
	s := settled(t, "propagation")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := waitQuiet(ctx); err != nil {
		t.Fatal(err)
	}
	pods, err := s.gateway.Pods(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var took []time.Duration
	for i := range changes {
		mark := "change-" + strconv.Itoa(i)
		if err := s.mark(ctx, mark); err != nil {
			t.Fatal(err)
		}
		taken := time.Now()
		for _, pod := range pods {
			if err := s.untilMarked(ctx, pod.Status.PodIP, mark); err != nil {
				t.Fatal(err)
			}
		}
		took = append(took, time.Since(taken))
	}
	slices.Sort(took)
	var sum time.Duration
	for _, d := range took {
		sum += d
	}
	t.Logf("measured: %d route changes, from the API server's answer to the effect in both proxies: mean %.1f ms, median %.1f ms, p99 %.1f ms, max %.1f ms",
		changes, millis(sum/changes), millis(took[changes/2]), millis(took[changes*99/100]), millis(took[changes-1]))
}

// waitQuiet waits until the namespaces of other tests are gone, as their end
// keeps the control plane busy.
func waitQuiet(ctx context.Context) error {
	return client.Poll(ctx, func(ctx context.Context) error {
		var namespaces corev1.NamespaceList
		if err := cluster.Client.List(ctx, &namespaces); err != nil {
			return err
		}
		for _, n := range namespaces.Items {
			if n.DeletionTimestamp != nil {
				return fmt.Errorf("namespace %s is on its way out", n.Name)
			}
		}
		return nil
	})
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// mark changes the value that the route's filter puts into answers.
func (s *tenantSpace) mark(ctx context.Context, mark string) error {
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "shop"}}
	patch := `[{"op":"replace","path":"/spec/rules/0/filters/0/responseHeaderModifier/set/0/value","value":"` + mark + `"}]`
	return cluster.Client.Patch(ctx, route, ctrlclient.RawPatch("application/json-patch+json", []byte(patch)))
}

// untilMarked asks one proxy until it answers with the mark. An answer without
// a mark of some time, or an error, is a failure: a change has no gap.
func (s *tenantSpace) untilMarked(ctx context.Context, ip, mark string) error {
	direct := *s
	direct.address = ip
	http1 := cluster.HTTPClient()
	defer http1.CloseIdleConnections()
	for {
		got, err := direct.get(ctx, http1, "shop.example.com", "/")
		if err != nil {
			return err
		}
		if got.Status != http.StatusOK || got.Mark == "" {
			return fmt.Errorf("while %s was on its way, %s answered %+v", mark, ip, got)
		}
		if got.Mark == mark {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s still answers %q, want %q", ip, got.Mark, mark)
		}
		// Asking without a pause would take the CPU from what is measured.
		time.Sleep(time.Millisecond)
	}
}
