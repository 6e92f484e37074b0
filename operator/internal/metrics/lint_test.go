package metrics

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"k8s.io/apimachinery/pkg/types"
)

func TestMetricsAreNamedWell(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := New(registry, func() (int, int) { return 5, 3 })
	Requests(registry).WithLabelValues("patch", "apps", "deployments").Inc()
	m.Rollouts(func() (int, int, int) { return 1, 1, 1 })
	m.Gateways(func() map[types.NamespacedName]int {
		return map[types.NamespacedName]int{{Namespace: "a", Name: "web"}: 2}
	})
	m.Status("Gateway", Written)
	m.Object("write")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
