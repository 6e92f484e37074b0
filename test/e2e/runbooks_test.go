package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/observe"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// runbooks does what the runbooks say, for a Gateway some of whose requests fail: each
// query has data, and each command tells something.
func (m *monitored) runbooks(t *testing.T) {
	steps, err := observe.Runbooks(filepath.Join(cluster.Root, "docs", "runbooks"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		wait(t, func(ctx context.Context) error {
			told, err := m.follow(ctx, step, m.gateway, "")
			if err == nil && told == "" {
				err = fmt.Errorf("%s: nothing comes of %s", step.Page, step.Text)
			}
			return err
		})
	}
	t.Logf("measured: %d steps of runbooks can be followed", len(steps))
}

// follow does one step of a runbook for a Gateway and one of its pods, and returns what
// that tells. Where no pod is named, it is any of the Gateway's.
func (m *monitored) follow(ctx context.Context, step observe.Step, g tenant.Gateway, pod string) (string, error) {
	if !step.Query {
		return tell(ctx, step, g, pod)
	}
	data, err := m.prometheus.Query(ctx, step.Text)
	return data.String(), err
}

// tell runs a command of a runbook for a Gateway and a pod, or for one that it has, if any.
func tell(ctx context.Context, step observe.Step, g tenant.Gateway, pod string) (string, error) {
	if pods, err := g.Pods(ctx); err != nil {
		return "", err
	} else if pod == "" && len(pods) > 0 {
		pod = pods[0].Name
	}
	out, err := cluster.Exec(ctx, "bash", "-o", "pipefail", "-c", step.For(g.Name.Namespace, g.Name.Name, pod))
	if err != nil {
		err = fmt.Errorf("%s: %w", step.Page, err)
	}
	return string(out), err
}

// wantTold waits until the command of a runbook that has a text in it tells what the
// runbook's reader is to see.
func (s *tenantSpace) wantTold(t *testing.T, alert, command, want string) {
	t.Helper()
	steps, err := observe.Steps(filepath.Join(cluster.Root, "docs", "runbooks", alert+".md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if step.Query || !strings.Contains(step.Text, command) {
			continue
		}
		wait(t, func(ctx context.Context) error {
			told, err := tell(ctx, step, s.gateway, "")
			if !strings.Contains(told, want) {
				return fmt.Errorf("%s tells %q (%v), want %q", step.Text, told, err, want)
			}
			return nil
		})
		return
	}
	t.Fatalf("the runbook of %s has no command %s", alert, command)
}

// cheap asserts that a pod takes no more series than is said, native histograms among them.
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
