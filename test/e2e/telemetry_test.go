package e2e

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// collector takes spans by OTLP/HTTP and OTLP/gRPC, from who has the key, and
// keeps what it was sent.
type collector struct {
	// path is where spans are taken.
	path string
	mu   sync.Mutex
	got  []byte
}

// The paths of the two transports (OTLP, sections "OTLP/HTTP Request" and
// "OTLP/gRPC").
const (
	otlpHTTP = "/v1/traces"
	otlpGRPC = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
)

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.URL.Path != c.path || r.Header.Get("X-Key") != "opensesame" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, body...)
	if c.path == otlpGRPC {
		answerCall(w, "")
	}
}

// has says whether all of the texts were received.
func (c *collector) has(texts ...[]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range texts {
		if !bytes.Contains(c.got, text) {
			return false
		}
	}
	return true
}

func TestSpansOfRequestsArriveAtACollector(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "telemetry")
	byHTTP, byGRPC := &collector{path: otlpHTTP}, &collector{path: otlpGRPC}
	s.serve(server{name: "by-http", port: 4317, protocol: "http", handler: byHTTP.ServeHTTP})
	s.serve(server{name: "by-grpc", port: 4317, handler: byGRPC.ServeHTTP})
	s.apply("gateway", nil)
	s.apply("backend", map[string]any{"Name": "shop", "Replicas": 1})
	s.route("shop", "shop.example.com", "steady", "shop")
	s.waitBackend("shop")
	s.waitProgrammed()
	s.apply("traces", map[string]any{"Collector": "by-http", "XBackend": false})
	s.waitSpans(byHTTP, "4bf92f3577b34da6a3ce929d0e0e4736")
	s.apply("traces", map[string]any{"Collector": "by-grpc", "XBackend": false})
	s.waitSpans(byGRPC, "0af7651916cd43dd8448eb211c80319c")
	s.applyText(externalCollector, map[string]any{"Hostname": "by-grpc." + s.namespace + ".svc." + client.OutsideDomain})
	s.apply("traces", map[string]any{"Collector": "outside", "XBackend": true})
	s.waitSpans(byGRPC, "b7ad6b7169203331a1b2c3d4e5f60718")
	s.waitXBackend("outside", metav1.ConditionTrue, "Accepted")
	s.waitExported()
}

// externalCollector is a collector outside of the cluster.
const externalCollector = `
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata:
  name: outside
  namespace: {{.Namespace}}
spec:
  type: ExternalHostname
  protocol: GRPC
  port: {number: 4317}
  externalHostname: {hostname: {{.Hostname}}}
`

// waitSpans sends requests of the trace, and waits for a span of it at the collector.
func (s *tenantSpace) waitSpans(spans *collector, trace string) {
	s.t.Helper()
	for _, condition := range []string{"Accepted", "ResolvedRefs"} {
		s.waitTelemetry("traces", condition)
	}
	id, err := hex.DecodeString(trace)
	if err != nil {
		s.t.Fatal(err)
	}
	q := question{host: "shop.example.com", fields: map[string]string{"traceparent": "00-" + trace + "-00f067aa0ba902b7-01"}}
	http1 := newConnections()
	wait(s.t, func(ctx context.Context) error {
		r, err := s.ask(ctx, http1, q)
		if err != nil {
			return err
		}
		parent := r.Headers.Get("Traceparent")
		if !strings.Contains(parent, trace) || strings.Contains(parent, "00f067aa0ba902b7") {
			return fmt.Errorf("status %d; the backend has traceparent %q, want another span of trace %s", r.Status, parent, trace)
		}
		if !spans.has(id, []byte(s.namespace+"-edge")) {
			return fmt.Errorf("the collector at %s has no span of the trace", spans.path)
		}
		return nil
	})
}

// waitTelemetry waits until a condition of a policy holds for the Gateway. The
// reason of the good is the condition's own name.
func (s *tenantSpace) waitTelemetry(name, condition string) {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		var policy gatewayxv1alpha1.XTelemetryPolicy
		if err := cluster.Client.Get(ctx, ctrlclient.ObjectKey{Namespace: s.namespace, Name: name}, &policy); err != nil {
			return err
		}
		for _, a := range policy.Status.Ancestors {
			if a.AncestorRef.Name == "web" {
				return hasReason(a.Conditions, condition, metav1.ConditionTrue, condition, policy.Generation)
			}
		}
		return fmt.Errorf("XTelemetryPolicy %s has no status for the Gateway", name)
	})
}

// waitExported waits until the proxies have counted a span that was taken.
func (s *tenantSpace) waitExported() {
	s.t.Helper()
	http1 := cluster.HTTPClient()
	wait(s.t, func(ctx context.Context) error {
		samples, err := s.gateway.Scrape(ctx, http1, tenant.ProxyMetrics)
		if err != nil {
			return err
		}
		for _, sample := range samples {
			if sample.Sum("fleetgate_proxy_spans_exported_total", nil) > 0 {
				return nil
			}
		}
		return errors.New("no proxy has counted a span that was exported")
	})
}
