package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/observe"
)

// native asserts that what proxies and sensors tell natively is what they tell by classic
// buckets, which rules and dashboards read, while no request is sent, and that the guide's
// quantiles come of both while some are.
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
	run := load.Start(t.Context(), load.Options{
		Client: newConnections(), URL: "http://" + m.address + "/", Host: "shop.example.com", Workers: 2, Pace: 20 * time.Millisecond,
	})
	defer run.Stop()
	steps, err := observe.Steps(filepath.Join(cluster.Root, "docs", "guides", "monitoring.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if !step.Query {
			continue
		}
		for _, p99 := range m.wantData(t, step.Text) {
			if p99.Value <= 0 || p99.Value > 10 {
				t.Errorf("%s is %v, want what a request takes", step.Text, p99)
			}
		}
	}
}
