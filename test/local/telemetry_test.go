package local

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// collector takes spans by OTLP/HTTP and keeps what it was sent.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	got  []byte
	keys map[string]bool
}

func newCollector(t *testing.T) *collector {
	c := &collector{keys: make(map[string]bool)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v1/traces" {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got = append(c.got, body...)
		c.keys[r.Header.Get("X-Key")] = true
	}))
	t.Cleanup(c.Close)
	return c
}

// has says whether spans with all of the texts were received.
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

func (c *collector) service() string {
	_, port, _ := net.SplitHostPort(c.Listener.Addr().String())
	return `apiVersion: v1
kind: Service
metadata: {name: collector, namespace: shop}
spec: {ports: [{port: 4318, targetPort: ` + port + `}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: collector, namespace: shop, labels: {kubernetes.io/service-name: collector}}
addressType: IPv4
ports: [{port: ` + port + `}]
endpoints: [{addresses: [127.0.0.1]}]
`
}

func telemetry(name, service, created string) string {
	return `apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XTelemetryPolicy
metadata: {name: ` + name + `, namespace: shop, creationTimestamp: "` + created + `T00:00:00Z"}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: web}]
  tracing:
    mode: Enabled
    provider:
      backendRef: {name: ` + service + `, port: 4318}
      headers: [{name: X-Key, value: opensesame}]
    serviceName: edge-` + name + `
`
}

// TestRequestsAreTraced has a policy come, lose its collector and go.
func TestRequestsAreTraced(t *testing.T) {
	world := newScene(t)
	to := newCollector(t)
	objects, gateway := world.bare()
	objects["gateway"] = gateway + listener("http", httpPort, "HTTP", "") + "\n"
	objects["route"] = route("HTTPRoute", "all", "http", "", backend("plain"))
	objects["collector"] = to.service()
	objects["older"] = telemetry("older", "collector", "2026-01-01")
	s := start(t, objects)
	client := world.client(asIs)
	n := 0
	ask := func() (trace []byte) {
		n++
		id := fmt.Sprintf("%032x", n)
		r, err := http.NewRequest(http.MethodGet, "http://"+world.at(httpPort)+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("traceparent", "00-"+id+"-00f067aa0ba902b7-01")
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("got %d", response.StatusCode)
		}
		trace, _ = hex.DecodeString(id)
		return trace
	}
	trace := ask()
	s.eventually("the spans arrive", func() error {
		if !to.has(trace, []byte("edge-older")) {
			return fmt.Errorf("they are not there")
		}
		return nil
	})
	if to.mu.Lock(); !to.keys["opensesame"] {
		t.Error("they came without their key")
	}
	to.mu.Unlock()
	s.write("newer", telemetry("newer", "missing", "2026-02-01"))
	s.until("the newer policy is in conflict", func(f facts) bool { return f.told("XTelemetryPolicy shop/newer", "Conflicted") })
	s.write("older", "")
	s.until("the newer policy has no collector", func(f facts) bool {
		return f.told("XTelemetryPolicy shop/newer", "BackendNotFound") && !f.told("XTelemetryPolicy shop/newer", "Conflicted")
	})
	ask()
	s.write("newer", telemetry("newer", "collector", "2026-02-01"))
	s.eventually("the spans of the newer policy arrive", func() error {
		if trace := ask(); !to.has(trace) && !to.has([]byte("edge-newer")) {
			return fmt.Errorf("they are not there")
		}
		return nil
	})
}
