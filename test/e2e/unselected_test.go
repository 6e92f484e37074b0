package e2e

import (
	"context"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/test/internal/observe"
)

// unselected has Prometheus look at namespaces with a label alone, which the Gateway's has
// not: no label of the ServiceMonitor helps there, and the Gateway says why it is not
// scraped. It is again as soon as somebody labels the namespace.
func (m *monitored) unselected(t *testing.T) {
	const selector = "example.com/scraped"
	kubectl := func(ctx context.Context, args ...string) {
		if _, err := cluster.Kubectl(ctx, args...); err != nil {
			t.Fatal(err)
		}
	}
	kubectl(t.Context(), "patch", "prometheus/k8s", "-n", observe.Namespace, "--type=merge",
		`--patch={"spec": {"serviceMonitorNamespaceSelector": {"matchLabels": {"`+selector+`": "yes"}}}}`)
	c := m.waitScraped(t, metav1.ConditionFalse)
	want := fmt.Sprintf("No Prometheus selects ServiceMonitor %s/web-fleetgate: Prometheus %s/k8s selects ServiceMonitors of namespaces by %s=yes",
		m.namespace, observe.Namespace, selector)
	if c.Reason != "NotSelected" || c.Message != want {
		t.Errorf("%s is False by %s: %q\nwant NotSelected: %q", scraped, c.Reason, c.Message, want)
	}
	wait(t, func(ctx context.Context) error {
		targets, err := m.prometheus.Targets(ctx)
		if err == nil && len(targets) > 0 {
			err = fmt.Errorf("%d targets are scraped in namespaces that nobody selects", len(targets))
		}
		return err
	})

	t.Cleanup(func() { kubectl(context.Background(), "label", "namespace/fleetgate-system", selector+"-") })
	kubectl(t.Context(), "label", "namespace/"+m.namespace, "namespace/fleetgate-system", selector+"=yes")
	m.waitScraped(t, metav1.ConditionTrue)
	m.waitTargets(t)
}
