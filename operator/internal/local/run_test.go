package local

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/operator/internal/local/fakeproxy"
	"github.com/fleetgate/fleetgate/operator/internal/local/table"
)

func TestMain(m *testing.M) {
	fakeproxy.Main()
	os.Exit(m.Run())
}

const (
	class = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: fleetgate}
spec: {controllerName: fleetgate.io/gateway-controller}
`
	web = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: a}
spec:
  gatewayClassName: fleetgate
  listeners:
  - {name: http, protocol: HTTP, port: 8080}
`
	shop = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: a}
spec:
  parentRefs: [{name: web}]
  rules:
  - backendRefs: [{name: shop, port: 80}]
`
	shopService = `
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: a}
spec: {ports: [{port: 80, targetPort: 9081}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop, namespace: a, labels: {kubernetes.io/service-name: shop}}
addressType: IPv4
ports: [{port: 9081}]
endpoints: [{addresses: [127.0.0.1]}]
`
)

// session is a run of local mode under the test's eyes.
type session struct {
	t      *testing.T
	dir    string
	runDir string
	tables chan table.Table
	last   table.Table
	cancel context.CancelFunc
	ended  chan error
}

func start(t *testing.T, files map[string]string) *session {
	t.Helper()
	// Not t.TempDir: with the test's name in it the sockets' paths get too long.
	runDir, err := os.MkdirTemp("", "local")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(runDir) })
	s := &session{t: t, dir: t.TempDir(), runDir: runDir, tables: make(chan table.Table, 1000), ended: make(chan error, 1)}
	for name, content := range files {
		s.write(name, content)
	}
	out, in := io.Pipe()
	go func() {
		defer close(s.tables)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var next table.Table
			if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
				t.Errorf("%v in %q", err, lines.Text())
			}
			s.tables <- next
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	s.cancel = cancel
	opts := Options{
		Dir: s.dir, RunDir: runDir, ProxyBinary: fakeproxy.Use(t), Sensor: SensorOff,
		ControllerName: defaultController, Format: table.JSON, Out: in, Messages: io.Discard,
	}
	go func() {
		err := Run(ctx, opts)
		in.Close()
		s.ended <- err
	}()
	t.Cleanup(s.stop)
	return s
}

// stop ends the run; it may be called more than once.
func (s *session) stop() {
	s.cancel()
	if err, ok := <-s.ended; ok && err != nil {
		s.t.Error(err)
	} else if ok {
		close(s.ended)
	}
}

func (s *session) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for a table of which the claim holds.
func (s *session) until(claim string, holds func(table.Table) bool) {
	s.t.Helper()
	deadline := time.After(60 * time.Second)
	for !holds(s.last) {
		select {
		case next, ok := <-s.tables:
			if !ok {
				s.t.Fatalf("ended before: %s; last was\n%s", claim, s.last.Text())
			}
			s.last = next
		case <-deadline:
			s.t.Fatalf("not in time: %s; last was\n%s", claim, s.last.Text())
		}
	}
}

func programmed(t table.Table, name string) bool {
	return slices.ContainsFunc(t.Gateways, func(g table.Gateway) bool { return g.Name == name && g.Programmed == "True" })
}

func troubled(t table.Table, object, reason string) bool {
	return slices.ContainsFunc(t.Troubles, func(p table.Trouble) bool { return p.Object == object && p.Reason == reason })
}

// The story of somebody who tries Fleetgate.
func TestRunFollowsTheFolder(t *testing.T) {
	s := start(t, map[string]string{"web.yaml": web, "shop.yaml": shop})
	s.until("a Gateway without a class is told so", func(t table.Table) bool { return troubled(t, "Gateway a/web", "NoClass") })

	s.write("class.yaml", class)
	s.until("the Gateway is programmed", func(t table.Table) bool { return programmed(t, "web") })
	if g := s.last.Gateways[0]; !strings.HasPrefix(g.Address, "127.") || !slices.Equal(g.Ports, []string{"8080"}) || g.Routes != 1 || len(g.Metrics) != 1 {
		t.Errorf("row %+v", g)
	}
	s.until("the missing Service is named", func(t table.Table) bool { return troubled(t, "HTTPRoute a/shop", "BackendNotFound") })

	s.write("service.yaml", shopService)
	s.until("all is well", func(t table.Table) bool { return programmed(t, "web") && len(t.Troubles) == 0 })
	address := s.last.Gateways[0].Address

	s.write("web.yaml", strings.Replace(web, "port: 8080", "prot: 8080", 1))
	s.until("the mistake is named", func(t table.Table) bool {
		return slices.ContainsFunc(t.Unread, func(line string) bool {
			return strings.Contains(line, "web.yaml document 1 (Gateway a/web) spec.listeners[0].prot: unknown field")
		})
	})
	if g := s.last.Gateways[0]; g.Programmed != "True" || g.Address != address {
		t.Errorf("the mistake changed what serves: %+v", g)
	}

	s.write("web.yaml", strings.Replace(web, "port: 8080", "port: 8081", 1))
	s.until("the new port is served", func(t table.Table) bool {
		return programmed(t, "web") && slices.Equal(t.Gateways[0].Ports, []string{"8081"}) && len(t.Unread) == 0
	})

	s.write("web.yaml", "# nothing\n")
	s.until("the Gateway is gone and its route orphaned", func(t table.Table) bool {
		return len(t.Gateways) == 0 && troubled(t, "HTTPRoute a/shop", "NoGateway")
	})
	s.stop()
	notes, err := os.ReadFile(filepath.Join(s.runDir, "a_web", "state", fakeproxy.Notes))
	if err != nil || string(notes) != "start\nend\n" {
		t.Errorf("one proxy should have started and ended in order: %q, %v", notes, err)
	}
}

func TestBadGatewayDisturbsNoOther(t *testing.T) {
	other := strings.NewReplacer("name: web", "name: other").Replace(web)
	s := start(t, map[string]string{"class.yaml": class, "web.yaml": web, "other.yaml": other})
	s.until("both are programmed", func(t table.Table) bool { return programmed(t, "web") && programmed(t, "other") })
	s.write("other.yaml", strings.Replace(other, "protocol: HTTP", "protocol: example.com/SMTP", 1))
	s.until("the bad protocol is named", func(t table.Table) bool { return troubled(t, "Gateway a/other", "UnsupportedProtocol") })
	if !programmed(s.last, "web") {
		t.Errorf("the other Gateway is not programmed any more: %s", s.last.Text())
	}
}
