package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/observe"
)

// native asserts that what proxies and sensors tell natively is what they tell by classic
// buckets, which rules and dashboards read, and that the guide's quantiles come of both.
// No request is sent meanwhile, so all stand still.
func (m *monitored) native(t *testing.T) {
	for _, name := range []string{
		"fleetgate_proxy_request_duration_seconds", "fleetgate_request_duration_seconds",
		"fleetgate_upstream_request_duration_seconds", "fleetgate_tcp_connect_duration_seconds",
	} {
		wait(t, func(ctx context.Context) error {
			native, err := m.prometheus.Sum(ctx, fmt.Sprintf("histogram_count(sum(%s{namespace=%q}))", name, m.namespace))
			if err != nil {
				return err
			}
			classic, err := m.prometheus.Sum(ctx, fmt.Sprintf("sum(%s_count{namespace=%q})", name, m.namespace))
			if err == nil && (native != classic || native == 0) {
				err = fmt.Errorf("%s: %v natively, %v by the classic count", name, native, classic)
			}
			return err
		})
	}
	steps, err := observe.Steps(filepath.Join(cluster.Root, "docs", "guides", "monitoring.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if step.Query {
			m.wantQuantile(t, step.Text)
		}
	}
}

// wantQuantile waits until a query gives durations of some milliseconds.
func (m *monitored) wantQuantile(t *testing.T, query string) {
	t.Helper()
	wait(t, func(ctx context.Context) error {
		data, err := m.prometheus.Query(ctx, query)
		if err != nil {
			return err
		}
		for _, sample := range data {
			if sample.Value <= 0 || sample.Value > 10 {
				return fmt.Errorf("%s is %v", query, sample)
			}
		}
		if len(data) == 0 {
			return fmt.Errorf("no data for %s", query)
		}
		return nil
	})
}
