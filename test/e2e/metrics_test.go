package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/test/internal/observe"
	"github.com/fleetgate/fleetgate/test/internal/scrape"
	"github.com/fleetgate/fleetgate/test/internal/stack"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// named asserts that what all programs really export is named well, and is what
// docs/reference/metrics.md says.
func (m *monitored) named(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(cluster.Root, "docs", "reference", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	var samples []scrape.Sample
	for _, port := range []int{tenant.ProxyMetrics, tenant.SensorMetrics} {
		of, err := m.gateway.Scrape(t.Context(), cluster.HTTPClient(), port)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, of...)
	}
	samples = append(samples, operatorSample(t), agentSample(t))
	for _, sample := range samples {
		families := fleetgateFamilies(sample)
		if len(families) == 0 {
			t.Error("a program exports nothing")
		}
		problems, err := promlint.NewWithMetricFamilies(families).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("%v %v", problems, err)
		}
		for _, family := range families {
			row := fmt.Sprintf("\n| `%s` | %s |", family.GetName(), strings.ToLower(family.GetType().String()))
			if !bytes.Contains(page, []byte(row)) || !bytes.Contains(page, []byte(family.GetHelp())) {
				t.Errorf("the page has no row %q with %q", row, family.GetHelp())
			}
		}
	}
}

// fleetgateFamilies leaves out those of Go and of controller-runtime.
func fleetgateFamilies(sample scrape.Sample) []*dto.MetricFamily {
	var own []*dto.MetricFamily
	for name, family := range sample {
		if strings.HasPrefix(name, "fleetgate_") {
			own = append(own, family)
		}
	}
	return own
}

// operatorSample is what the operator exports.
func operatorSample(t *testing.T) (sample scrape.Sample) {
	t.Helper()
	reader := types.NamespacedName{Namespace: observe.Namespace, Name: "prometheus"}
	wait(t, func(ctx context.Context) (err error) {
		sample, err = cluster.OperatorMetrics(ctx, reader)
		return err
	})
	if _, ok := sample["fleetgate_operator_proxies"]; !ok {
		t.Errorf("pod of %s exports no metrics of its own", stack.Operator)
	}
	return sample
}
