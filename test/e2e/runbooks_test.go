package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/observe"
)

// runbooks does what the runbooks say, for a Gateway some of whose requests fail: each
// query has data, and each command tells something.
func (m *monitored) runbooks(t *testing.T) {
	steps, err := observe.Runbooks(filepath.Join(cluster.Root, "docs", "runbooks"))
	if err != nil {
		t.Fatal(err)
	}
	pods, err := m.gateway.Pods(t.Context())
	if err != nil || len(pods) == 0 {
		t.Fatal(pods, err)
	}
	for _, step := range steps {
		text := step.For(m.namespace, "web", pods[0].Name)
		wait(t, func(ctx context.Context) error {
			var told int
			if step.Query {
				data, err := m.prometheus.Query(ctx, text)
				if err != nil {
					return err
				}
				told = len(data)
			} else {
				out, err := cluster.Exec(ctx, "bash", "-o", "pipefail", "-c", text)
				if err != nil {
					return fmt.Errorf("%s: %w", step.Page, err)
				}
				told = len(out)
			}
			if told == 0 {
				return fmt.Errorf("%s: nothing comes of %s", step.Page, text)
			}
			return nil
		})
	}
	t.Logf("measured: %d steps of runbooks can be followed", len(steps))
}

// native asserts that Prometheus takes the native histograms of proxies and sensors: what
// they count is what the classic ones do, and quantiles need no buckets.
func (m *monitored) native(t *testing.T) {
	for _, name := range []string{"fleetgate_proxy_request_duration_seconds", "fleetgate_request_duration_seconds"} {
		selector := fmt.Sprintf("%s{namespace=%q}", name, m.namespace)
		wait(t, func(ctx context.Context) error {
			native, err := m.prometheus.Sum(ctx, "histogram_count("+selector+")")
			if err != nil {
				return err
			}
			classic, err := m.prometheus.Sum(ctx, fmt.Sprintf("%s_count{namespace=%q}", name, m.namespace))
			if err == nil && (native != classic || native == 0) {
				err = fmt.Errorf("%s: %v natively and %v by the classic count", name, native, classic)
			}
			return err
		})
		wait(t, func(ctx context.Context) error {
			p99, err := m.prometheus.Sum(ctx, "histogram_quantile(0.99, sum("+selector+"))")
			if err == nil && (p99 <= 0 || p99 > 10) {
				err = fmt.Errorf("the native p99 of %s is %v", name, p99)
			}
			return err
		})
	}
}

// cheap asserts that a pod takes no more series than is said.
func (m *monitored) cheap(t *testing.T) {
	query := fmt.Sprintf(`max(sum by (pod) (scrape_samples_scraped{namespace=%q}))`, m.namespace)
	wait(t, func(ctx context.Context) error {
		most, err := m.prometheus.Sum(ctx, query)
		if err != nil {
			return err
		}
		if most == 0 || most > 500 {
			return fmt.Errorf("a pod has %v series, want some and 500 at most", most)
		}
		t.Logf("measured: %v series of a pod", most)
		return nil
	})
}
