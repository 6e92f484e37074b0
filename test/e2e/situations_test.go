package e2e

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/observe"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// situation is what an alert tells of.
type situation struct {
	alert   string
	gateway tenant.Gateway
	// pod is the one to look at; any of the Gateway's is where it is empty.
	pod string
	// sees are patterns of what the runbook has people see who look for the cause.
	sees []string
}

// prepare brings about what the situations are of, so that it is there when the time
// comes: a Gateway whose pods a quota keeps out, and a backend that refuses connections.
func (m *monitored) prepare(t *testing.T) {
	down := newTenant(t, "monitored-down")
	down.apply("quota", nil)
	down.apply("gateway", nil)
	m.down = down.gateway
	m.apply("situations", nil)
}

// situations has Prometheus see what each alert tells of, and the alert wait to fire. Its
// runbook then leads to the cause.
func (m *monitored) situations(t *testing.T) {
	m.crowd(t)
	for _, s := range []situation{
		{alert: "FleetgateCertificateExpires", gateway: m.gateway, sees: []string{
			`listener="https".* => [0-9]{1,4}(\.[0-9]+)? @`, `(?m)^https: shop-cert$`, `(?m)^shop-cert +kubernetes.io/tls`,
		}},
		{alert: "FleetgateGatewayDown", gateway: m.down, sees: []string{
			`gateway_namespace="` + m.down.Name.Namespace + `".* => 0 @`, `(?m)^deployment\S* +0/2|^web-fleetgate +0/2`, `exceeded quota: nothing`,
		}},
		{alert: "FleetgateGatewayErrors", gateway: m.gateway, sees: []string{
			`route="` + m.namespace + `/broken".* => [0-9]`, `reason="connect".* => 0*[.0]*[1-9]`, `reason: BackendNotFound`,
		}},
		{alert: "FleetgateProxyShedsRequests", gateway: m.gateway, sees: []string{
			`pod="web-fleetgate-.* => 0 @`, `reason="listener_limit".* => 0*[.0]*[1-9]`,
		}},
	} {
		t.Run(s.alert, func(t *testing.T) { m.wantCause(t, s) })
	}
	t.Run("FleetgateConfigStale", func(t *testing.T) { m.wantCause(t, m.divided(t)) })
	t.Run("FleetgateOperatorDown", m.unreadable)
}

// unreadable takes the right to read the operator's metrics from Prometheus for a moment,
// which the runbook has people find.
func (m *monitored) unreadable(t *testing.T) {
	for _, change := range []struct {
		want string
		args []string
	}{
		{"no", []string{"delete", "clusterrolebinding", binding}},
		{"yes", []string{"create", "clusterrolebinding", binding, "--clusterrole=fleetgate-metrics-reader", "--serviceaccount=" + observe.Namespace + ":prometheus"}},
	} {
		if _, err := cluster.Kubectl(t.Context(), change.args...); err != nil {
			t.Fatal(err)
		}
		m.wantTold(t, "FleetgateOperatorDown", "can-i", change.want)
	}
}

// binding gives Prometheus the right to read the operator's metrics.
const binding = "prometheus-fleetgate-metrics"

// crowd has a client hold the only connection to a port that there may be, while others
// come.
func (m *monitored) crowd(t *testing.T) {
	m.parameters(t, `{"parametersRef":{"group":"fleetgate.io","kind":"GatewayParameters","name":"few"}}`)
	t.Cleanup(func() { m.parameters(t, "null") })
	query := fmt.Sprintf("sum(fleetgate_proxy_refused_connections_total{namespace=%q})", m.namespace)
	wait(t, func(ctx context.Context) error {
		for range 50 {
			// Who is turned away may notice that late, or at once.
			if conn, err := cluster.DialContext(ctx, "tcp", net.JoinHostPort(m.address, "80")); err == nil {
				t.Cleanup(func() { conn.Close() })
			}
		}
		refused, err := m.prometheus.Sum(ctx, query)
		if err == nil && refused < 100 {
			err = fmt.Errorf("%v clients were turned away", refused)
		}
		return err
	})
}

// parameters has the Gateway be as some parameters say, or as its class does.
func (m *monitored) parameters(t *testing.T, infrastructure string) {
	t.Helper()
	_, err := cluster.Kubectl(context.WithoutCancel(t.Context()), "patch", "gateway", "web", "-n", m.namespace, "--type=merge",
		"-p", `{"spec":{"infrastructure":`+infrastructure+`}}`)
	if err != nil {
		t.Error(err)
	}
}

// wantCause waits until the alert waits to fire, and its runbook tells all that there is
// to see.
func (m *monitored) wantCause(t *testing.T, s situation) {
	pending := fmt.Sprintf(`ALERTS{alertname=%q, namespace=%q, gateway_networking_k8s_io_gateway_name=%q}`,
		s.alert, s.gateway.Name.Namespace, s.gateway.Name.Name)
	steps, err := observe.Steps(filepath.Join(cluster.Root, "docs", "runbooks", s.alert+".md"))
	if err != nil {
		t.Fatal(err)
	}
	wait(t, func(ctx context.Context) error {
		if n, err := m.prometheus.Sum(ctx, pending); err != nil || n == 0 {
			return fmt.Errorf("%s is not there (%v)", pending, err)
		}
		told := ""
		for _, step := range steps {
			of, err := m.follow(ctx, step, s.gateway, s.pod)
			if err != nil {
				return err
			}
			told += of + "\n"
		}
		for _, pattern := range s.sees {
			if !regexp.MustCompile(pattern).MatchString(told) {
				return fmt.Errorf("%s: nothing tells of %s: %s", s.alert, pattern, told)
			}
		}
		return nil
	})
}
