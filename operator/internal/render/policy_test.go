package render

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// backendOf is a backend that is sent something by a protocol.
func backendOf(transport graph.Transport, protocol string) *graph.Backend {
	key := graph.BackendKey{Service: types.NamespacedName{Namespace: "ns", Name: "s"}, Port: 80, Transport: transport}
	return &graph.Backend{Key: key, Protocol: protocol}
}

// checked validates a policy as a proxy does.
func checked(t *testing.T, p *proxyconfig.Policy) string {
	t.Helper()
	if err := proxyconfig.ValidatePolicy(p); err != nil {
		t.Errorf("a proxy refuses it: %v", err)
	}
	return asJSON(t, p)
}

func TestPolicy(t *testing.T) {
	for name, tt := range map[string]struct{ spec, want string }{
		"nothing":           {`{}`, `null`},
		"defaults by name":  {`backends: {algorithm: RoundRobin, slowStart: 0s, zone: {prefer: false}, ejection: {}, limits: {}}`, `null`},
		"least request":     {`backends: {algorithm: LeastRequest}`, `{"algorithm":"LeastRequest"}`},
		"peak EWMA":         {`backends: {algorithm: PeakEWMA}`, `{"algorithm":"PeakEWMA"}`},
		"hash by default":   {`backends: {algorithm: ConsistentHash}`, `{"algorithm":"ConsistentHash","hash":{"source":"SourceIP"}}`},
		"hash of a header":  {`backends: {algorithm: ConsistentHash, hash: {source: Header, name: X-User}}`, `{"algorithm":"ConsistentHash","hash":{"source":"Header","name":"X-User"}}`},
		"hash of nobody":    {`backends: {algorithm: LeastRequest, hash: {source: SourceIP}}`, `{"algorithm":"LeastRequest"}`},
		"hash of a default": {`backends: {hash: {source: SourceIP}}`, `null`},
		"ejection": {`backends: {ejection: {consecutiveErrors: 5, baseTime: 2s, maxTime: 1m, maxPercent: 50}}`,
			`{"ejection":{"consecutiveErrors":5,"baseMillis":2000,"maxMillis":60000,"maxPercent":50}}`},
		"no ejection": {`backends: {ejection: {disabled: true}}`, `{"ejection":{"disabled":true}}`},
		"slow start":  {`backends: {slowStart: 30s}`, `{"slowStartMillis":30000}`},
		"limits": {`backends: {limits: {maxConnections: 1, maxRequests: 2, maxPending: 3}}`,
			`{"limits":{"maxConnections":1,"maxRequests":2,"maxPending":3}}`},
		"zone":            {`backends: {zone: {prefer: true}}`, `{"zone":{}}`},
		"zone by a share": {`backends: {zone: {prefer: true, minHealthyPercent: 70}}`, `{"zone":{"minHealthyPercent":70}}`},
		"check": {`backends: {healthCheck: {type: HTTP, path: /healthz, host: a.example, statuses: [{first: 200, last: 204}], port: 81, interval: 5s, timeout: 1s, healthyThreshold: 1, unhealthyThreshold: 2}}`,
			`{"check":{"type":"HTTP","path":"/healthz","host":"a.example","statuses":[{"first":200,"last":204}],"port":81,"intervalMillis":5000,"timeoutMillis":1000,"healthy":1,"unhealthy":2}}`},
	} {
		t.Run(name, func(t *testing.T) {
			common := gatewayWith(t, tt.spec).Gateway.Parameters.Spec.Backends
			node := backendOf(graph.Requests, proxyconfig.BackendHTTP1)
			if got := checked(t, policy(node, servesClients, common)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// The retry budget is the backend's own, and comes beside what is for all.
func TestPolicyWithABudgetOfItsOwn(t *testing.T) {
	node := backendOf(graph.Requests, proxyconfig.BackendHTTP1)
	node.RetryBudget = &proxyconfig.RetryBudget{Percent: 5}
	if got, want := checked(t, policy(node, servesClients, nil)), `{"retryBudget":{"percent":5}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	common := gatewayWith(t, `backends: {algorithm: PeakEWMA}`).Gateway.Parameters.Spec.Backends
	if got, want := checked(t, policy(node, servesClients, common)), `{"algorithm":"PeakEWMA","retryBudget":{"percent":5}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A check that a backend cannot answer would take all of its endpoints out of use.
func TestChecksAreForBackendsThatCanAnswerThem(t *testing.T) {
	port := int32(8081)
	checks := map[string]v1alpha1.HealthCheckParameters{
		"TCP": {Type: "TCP"}, "HTTP": {Type: "HTTP"}, "GRPC": {Type: "GRPC"},
		"HTTP at a port": {Type: "HTTP", Port: &port}, "GRPC at a port": {Type: "GRPC", Port: &port}, "TCP at a port": {Type: "TCP", Port: &port},
	}
	for _, tt := range []struct {
		name      string
		transport graph.Transport
		protocol  string
		tls       bool
		used      use
		want      []string
	}{
		{"HTTP", graph.Requests, proxyconfig.BackendHTTP1, false, servesClients, []string{"TCP", "HTTP", "HTTP at a port", "TCP at a port"}},
		{"HTTP that is asked for authorization, too", graph.Requests, proxyconfig.BackendHTTP1, false, servesClients | asksItself,
			[]string{"TCP", "HTTP", "HTTP at a port", "TCP at a port"}},
		{"HTTPS", graph.Requests, proxyconfig.BackendHTTP1, true, servesClients, []string{"TCP", "HTTP at a port", "TCP at a port"}},
		{"HTTP/2", graph.Requests, proxyconfig.BackendHTTP2, false, servesClients, []string{"TCP", "HTTP at a port", "TCP at a port"}},
		{"gRPC", graph.Calls, proxyconfig.BackendHTTP2, false, servesClients, []string{"TCP", "GRPC", "GRPC at a port", "TCP at a port"}},
		{"gRPC over TLS", graph.Calls, proxyconfig.BackendHTTP2, true, servesClients, []string{"TCP", "GRPC at a port", "TCP at a port"}},
		{"TCP", graph.Connections, proxyconfig.BackendTCP, false, servesClients, []string{"TCP", "TCP at a port"}},
		{"UDP", graph.Datagrams, proxyconfig.BackendUDP, false, servesClients, nil},
		{"authorization server", graph.Requests, proxyconfig.BackendHTTP1, false, asksItself, []string{"TCP", "TCP at a port"}},
		{"collector", graph.Calls, proxyconfig.BackendHTTP2, false, asksItself, []string{"TCP", "TCP at a port"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			node := backendOf(tt.transport, tt.protocol)
			if tt.tls {
				node.TLS = &graph.BackendTLS{}
			}
			want := make(map[string]bool)
			for _, name := range tt.want {
				want[name] = true
			}
			for name, check := range checks {
				got := policy(node, tt.used, &v1alpha1.BackendParameters{HealthCheck: &check})
				checked(t, got)
				if (got != nil) != want[name] {
					t.Errorf("%s: got %+v, want a check %v", name, got, want[name])
				}
			}
		})
	}
}

// A filter's server and a mirror are told apart by what leads to them.
func TestUses(t *testing.T) {
	auth := func(id string) proxyconfig.Filter {
		return proxyconfig.Filter{Type: proxyconfig.FilterExternalAuth, ExternalAuth: &proxyconfig.ExternalAuth{Backend: id}}
	}
	got := ownReferences([]proxyconfig.Listener{{Filters: &proxyconfig.ListenerFilters{Requests: []proxyconfig.Filter{auth("gate")}}}},
		&proxyconfig.Tracing{Collector: "collector"})
	leads := referencesOf(&proxyconfig.Route{Rules: []proxyconfig.Rule{{
		Backends: []proxyconfig.BackendRef{{Backend: "app"}, {Backend: "both"}},
		Filters:  []proxyconfig.Filter{auth("both"), auth("auth"), {Type: proxyconfig.FilterMirror, Mirror: &proxyconfig.Mirror{Backend: "mirror"}}},
	}}})
	counted := make(tallies)
	counted.count(leads, 1)
	for id, tally := range counted {
		got[id] |= tally.use()
	}
	want := map[string]use{"gate": asksItself, "collector": asksItself, "auth": asksItself, "app": servesClients, "mirror": servesClients, "both": servesClients | asksItself}
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for id, use := range want {
		if got[id] != use {
			t.Errorf("%s: got %d, want %d", id, got[id], use)
		}
	}
	counted.count(leads, -1)
	if len(counted) != 0 {
		t.Errorf("%v are left", counted)
	}
}
