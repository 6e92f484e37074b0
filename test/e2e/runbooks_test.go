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
