package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/observe"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// scraped is the condition that says who selects the ServiceMonitor.
const scraped = "fleetgate.io/Scraped"

// TestAGatewayIsAllThatPrometheusNeeds has a real Prometheus come to a Gateway that is
// there, and go again, while the operator and the Gateway run on.
func TestAGatewayIsAllThatPrometheusNeeds(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "monitored")
	certificate := newCertificate(t, 1)
	s.storeCertificate(certificate)
	s.apply("monitored", nil)
	s.apply("backend", map[string]any{"Name": "shop", "Replicas": 2})
	s.waitBackend("shop")
	s.waitProgrammed()
	before := operatorPods(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	p, err := observe.Up(ctx, cluster, os.Stdout)
	t.Cleanup(func() {
		if t.Failed() {
			dumpPrometheus(t)
		}
		if err := observe.Down(context.Background(), cluster); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &monitored{tenantSpace: s, prometheus: p, certificate: certificate}
	s.waitScraped(t, metav1.ConditionTrue)
	m.waitTargets(t)
	m.prepare(t)

	s.route("shop", "shop.example.com", "shop", "shop")
	s.route("broken", "broken.example.com", "broken", "nothing")
	s.route("closed", "closed.example.com", "closed", "closed")
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "shop", Name: s.namespace, Version: "shop"})
	t.Run("queries answer what was sent", m.counts)
	t.Run("native histograms are taken beside classic ones", m.native)
	t.Run("dashboards have data", m.dashboards)
	t.Run("rules are evaluated", m.rules)
	t.Run("runbooks can be followed", m.runbooks)
	t.Run("logs tell no secrets", m.discreet)
	t.Run("slow requests are explained", m.explained)
	t.Run("runbooks lead to the cause", m.situations)
	t.Run("a pod has few series", m.cheap)
	t.Run("metrics are named as the page says", m.named)
	t.Run("metrics are not public", m.private)
	t.Run("a monitor that nothing selects is told", m.unselected)

	if err := observe.RemoveKinds(ctx, cluster); err != nil {
		t.Fatal(err)
	}
	s.waitScraped(t, "")
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "shop", Name: s.namespace, Version: "shop"})
	if after := operatorPods(t); !slices.Equal(before, after) {
		t.Errorf("the operator's pods are %v, want %v still", after, before)
	}
}

// dumpPrometheus logs what a person would look at first.
func dumpPrometheus(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, args := range [][]string{
		{"get", "pods,prometheuses,events", "-n", observe.Namespace},
		{"logs", "-n", observe.Namespace, "prometheus-k8s-0", "--all-containers", "--prefix", "--tail=10"},
		{"logs", "-n", observe.Namespace, "deployment/prometheus-operator", "--tail=20"},
	} {
		out, err := cluster.Kubectl(ctx, args...)
		t.Logf("kubectl %s (%v)\n%s", strings.Join(args, " "), err, out)
	}
}

// monitored is a tenant with the Prometheus that looks after it.
type monitored struct {
	*tenantSpace
	prometheus *observe.Prometheus
	// certificate is the one of its listener for HTTPS.
	certificate certificate
	// down is a Gateway that has no proxy.
	down tenant.Gateway
}

// waitScraped waits until the condition has a status, or is not there where that is
// empty, and returns it.
func (s *tenantSpace) waitScraped(t *testing.T, want metav1.ConditionStatus) (got metav1.Condition) {
	t.Helper()
	wait(t, func(ctx context.Context) error {
		gateway := &gatewayv1.Gateway{}
		if err := cluster.Client.Get(ctx, ctrlclient.ObjectKey(s.gateway.Name), gateway); err != nil {
			return err
		}
		got = metav1.Condition{}
		if c := meta.FindStatusCondition(gateway.Status.Conditions, scraped); c != nil {
			got = *c
		}
		if got.Status != want {
			return fmt.Errorf("%s is %q (%s: %s), want %q", scraped, got.Status, got.Reason, got.Message, want)
		}
		return nil
	})
	return got
}

// waitTargets waits until each proxy, each sensor and the operator are scraped.
func (m *monitored) waitTargets(t *testing.T) {
	t.Helper()
	wait(t, func(ctx context.Context) error {
		pods, err := m.gateway.Pods(ctx)
		if err != nil {
			return err
		}
		targets, err := m.prometheus.Targets(ctx)
		if err != nil {
			return err
		}
		up := map[string]int{}
		for _, target := range targets {
			switch {
			case string(target.Labels["namespace"]) != m.namespace && target.Labels["namespace"] != "fleetgate-system":
			case target.Health != promv1.HealthGood:
				return fmt.Errorf("target %s is %s: %s", target.ScrapeURL, target.Health, target.LastError)
			default:
				up[string(target.Labels["endpoint"])]++
			}
		}
		if n := len(pods); n == 0 || up["proxy-metrics"] != n || up["sensor-metrics"] != n || up["https"] != 1 {
			return fmt.Errorf("of %d pods and the operator these are up: %v", n, up)
		}
		return nil
	})
}

// wantSum waits until a query gives a value.
func (m *monitored) wantSum(t *testing.T, query string, want float64) {
	t.Helper()
	wait(t, func(ctx context.Context) error {
		got, err := m.prometheus.Sum(ctx, query)
		if err == nil && got != want {
			err = fmt.Errorf("%s is %v, want %v", query, got, want)
		}
		return err
	})
}

// wantData waits until a query gives something, each of which is a number.
func (m *monitored) wantData(t *testing.T, query string) (data model.Vector) {
	t.Helper()
	wait(t, func(ctx context.Context) (err error) {
		data, err = m.prometheus.Query(ctx, query)
		if err == nil && len(data) == 0 {
			err = fmt.Errorf("no data for %s", query)
		}
		return err
	})
	return data
}

// counts sends requests one after another, so that few connections are made, and asks
// Prometheus how many the proxies and the sensors have seen.
func (m *monitored) counts(t *testing.T) {
	const sent = 500
	proxies := fmt.Sprintf(`sum(fleetgate_proxy_requests_total{namespace=%q, route="%s/shop", code_class="2xx"})`, m.namespace, m.namespace)
	sensors := fmt.Sprintf(`sum(fleetgate_requests_total{namespace=%q, route="%s/shop", code="200"})`, m.namespace, m.namespace)
	base := m.settled(t, proxies, sensors)
	if result := m.load("shop.example.com", load.Options{Max: sent, Workers: 1}).Wait(); result.Failed > 0 {
		t.Fatal(result)
	}
	m.wantSum(t, proxies, base+sent)
	m.wantSum(t, sensors, base+sent)
}

// settled returns what both queries give once they agree: what was sent before, to wait
// for the route, may not have been scraped yet.
func (m *monitored) settled(t *testing.T, proxies, sensors string) (n float64) {
	t.Helper()
	wait(t, func(ctx context.Context) error {
		a, err := m.prometheus.Sum(ctx, proxies)
		if err != nil {
			return err
		}
		b, err := m.prometheus.Sum(ctx, sensors)
		if err == nil && (a != b || a == 0) {
			err = fmt.Errorf("the proxies count %v, the sensors %v", a, b)
		}
		n = a
		return err
	})
	return n
}

// dashboards asks each query of each dashboard under traffic of which some fails, and on
// which connections come and go.
func (m *monitored) dashboards(t *testing.T) {
	panels, err := observe.Panels(filepath.Join(cluster.Root, "config", "prometheus", "dashboards"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"shop.example.com", "broken.example.com", "closed.example.com", "unknown.example.com"} {
		run := load.Start(t.Context(), load.Options{
			Client: newConnections(), URL: "http://" + m.address + "/", Host: host, Workers: 8, Pace: 50 * time.Millisecond,
		})
		defer run.Stop()
	}
	for _, panel := range panels {
		m.wantData(t, panel.For(m.namespace, "web"))
	}
	t.Logf("measured: %d queries of dashboards have data", len(panels))
}

// rules waits until each rule was evaluated without an error, and what is recorded has data.
func (m *monitored) rules(t *testing.T) {
	wait(t, func(ctx context.Context) error {
		groups, err := m.prometheus.Rules(ctx)
		if err != nil {
			return err
		}
		if len(groups) < 2 {
			return fmt.Errorf("Prometheus has %d groups of rules", len(groups))
		}
		for _, group := range groups {
			for _, rule := range group.Rules {
				if err := m.rule(ctx, rule); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (m *monitored) rule(ctx context.Context, rule any) error {
	switch rule := rule.(type) {
	case promv1.AlertingRule:
		if rule.Health != promv1.RuleHealthGood {
			return fmt.Errorf("alert %s is %s: %s", rule.Name, rule.Health, rule.LastError)
		}
	case promv1.RecordingRule:
		if rule.Health != promv1.RuleHealthGood {
			return fmt.Errorf("rule %s is %s: %s", rule.Name, rule.Health, rule.LastError)
		}
		query := fmt.Sprintf("%s{namespace=%q}", rule.Name, m.namespace)
		if data, err := m.prometheus.Query(ctx, query); err != nil || len(data) == 0 {
			return fmt.Errorf("no data for %s (%v)", query, err)
		}
	}
	return nil
}

// private asserts that the public Service leads to no metrics.
func (m *monitored) private(t *testing.T) {
	service := &corev1.Service{}
	if err := cluster.Client.Get(t.Context(), ctrlclient.ObjectKey{Namespace: m.namespace, Name: "web-fleetgate"}, service); err != nil {
		t.Fatal(err)
	}
	for _, port := range service.Spec.Ports {
		if port.Port != 80 && port.Port != 443 || strings.Contains(port.Name, "metrics") {
			t.Errorf("the public Service has port %s %d", port.Name, port.Port)
		}
	}
	for _, port := range []string{"19000", "19002"} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		conn, err := cluster.DialContext(ctx, "tcp", net.JoinHostPort(m.address, port))
		cancel()
		if err == nil {
			conn.Close()
			t.Errorf("the Gateway's address answers on port %s", port)
		}
	}
}
