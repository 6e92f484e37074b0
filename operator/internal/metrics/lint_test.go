package metrics

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetricsAreNamedWell(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := New(registry, func() (int, int) { return 5, 3 })
	m.Rollouts(func() (int, int, int) { return 1, 1, 1 })
	m.Status("Gateway", Written)
	m.Object("write")
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
