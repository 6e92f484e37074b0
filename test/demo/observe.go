package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/observe"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// watched is a demo with a Prometheus that looks at it.
type watched struct {
	*demo
	prometheus *observe.Prometheus
	panels     []observe.Panel
}

// observed shows what Prometheus has of the demo's traffic.
func observed(ctx context.Context) error {
	s, err := stack.Up(ctx, os.Stdout)
	if err != nil {
		return err
	}
	w := &watched{demo: &demo{stack: s, http: s.HTTPClient()}}
	if err := w.tenants(ctx); err != nil {
		return err
	}
	fmt.Printf("\n── Prometheus and its operator\n\n")
	if w.prometheus, err = observe.Up(ctx, s, os.Stdout); err != nil {
		return err
	}
	if w.panels, err = observe.Panels(filepath.Join(s.Root, "config", "prometheus", "dashboards")); err != nil {
		return err
	}
	for _, run := range w.traffic(ctx) {
		defer run.Stop()
	}
	for _, step := range []struct {
		title string
		do    func(context.Context) error
	}{
		{"Targets, which Prometheus found by itself", w.targets},
		{"A changed weight, for the operator to have something to do", w.change},
		{"The dashboards' queries for tenant-a, under traffic", w.queries},
		{"Rules", w.rules},
		{"Alerts", w.alerts},
	} {
		fmt.Printf("\n── %s\n\n", step.title)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", strings.ToLower(step.title), err)
		}
	}
	fmt.Print("\nTake it down:\n  make demo-down\n")
	return nil
}

// traffic is what both tenants get until it is stopped. Its connections are new ones each,
// so that the kernel has something to count, and some ask for what no route has.
func (w *watched) traffic(ctx context.Context) []*load.Run {
	transport := w.stack.Transport()
	transport.DisableKeepAlives = true
	var runs []*load.Run
	for _, address := range []string{w.addressA, w.addressB} {
		for _, name := range []string{host, "unknown.example.com"} {
			runs = append(runs, load.Start(ctx, load.Options{
				Client: &http.Client{Transport: transport}, URL: "http://" + address + "/", Host: name, Workers: 4, Pace: 50 * time.Millisecond,
			}))
		}
	}
	return runs
}

func (w *watched) targets(ctx context.Context) error {
	var targets []promv1.ActiveTarget
	err := within(ctx, func(ctx context.Context) (err error) {
		if targets, err = w.prometheus.Targets(ctx); err != nil {
			return err
		}
		// Two proxies and two sensors of each tenant, and the operator.
		if len(targets) < 9 {
			return fmt.Errorf("%d targets, want 9", len(targets))
		}
		for _, target := range targets {
			if target.Health != promv1.HealthGood {
				return fmt.Errorf("target %s is %s: %s", target.ScrapeURL, target.Health, target.LastError)
			}
		}
		return nil
	})
	for _, target := range targets {
		fmt.Printf("%-5s %-17s %-15s %s\n", target.Health, target.Labels["namespace"], target.Labels["endpoint"], target.ScrapeURL)
	}
	return err
}

// queries asks each until it has data: rates need two scrapes with traffic between them.
func (w *watched) queries(ctx context.Context) error {
	title := ""
	var empty []string
	for _, panel := range w.panels {
		if panel.Dashboard != title {
			title = panel.Dashboard
			fmt.Printf("%s\n", title)
		}
		var data model.Vector
		err := within(ctx, func(ctx context.Context) (err error) {
			if data, err = w.prometheus.Query(ctx, panel.For("tenant-a", "web")); err == nil && len(data) == 0 {
				err = fmt.Errorf("no data")
			}
			return err
		})
		fmt.Printf("  %-40s %s\n", panel.Title, values(data))
		if err != nil {
			empty = append(empty, panel.Title)
		}
	}
	// Nothing of the demo fails, and it has no certificate.
	empty = slices.DeleteFunc(empty, func(title string) bool { return title == "Routes with the most 5xx" || title == "Certificates" })
	if len(empty) > 0 {
		return fmt.Errorf("without data: %s", strings.Join(empty, ", "))
	}
	return nil
}

// within polls for a few scrapes.
func within(ctx context.Context, done func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return client.Poll(ctx, done)
}

// values are those of the first series, and how many there are beside them.
func values(data model.Vector) string {
	const most = 3
	var list []string
	for _, sample := range data[:min(most, len(data))] {
		delete(sample.Metric, model.MetricNameLabel)
		list = append(list, fmt.Sprintf("%.4g %s", float64(sample.Value), sample.Metric))
	}
	if len(data) > most {
		list = append(list, fmt.Sprintf("and %d more", len(data)-most))
	}
	return strings.Join(list, "; ")
}

func (w *watched) rules(ctx context.Context) error {
	groups, err := w.prometheus.Rules(ctx)
	if err != nil {
		return err
	}
	for _, group := range groups {
		for _, rule := range group.Rules {
			if rule, ok := rule.(promv1.RecordingRule); ok {
				data, err := w.prometheus.Query(ctx, rule.Name)
				if err != nil {
					return err
				}
				fmt.Printf("%-4s %s\n     %s\n", rule.Health, rule.Name, values(data))
			}
		}
	}
	return nil
}

func (w *watched) alerts(ctx context.Context) error {
	groups, err := w.prometheus.Rules(ctx)
	if err != nil {
		return err
	}
	for _, group := range groups {
		for _, rule := range group.Rules {
			if rule, ok := rule.(promv1.AlertingRule); ok {
				fmt.Printf("%-4s %-30s %s\n", rule.Health, rule.Name, rule.State)
			}
		}
	}
	return nil
}
