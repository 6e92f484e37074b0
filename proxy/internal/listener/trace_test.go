package listener

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/otlp"
	"github.com/fleetgate/fleetgate/proxy/internal/otlp/otlptest"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
)

const (
	someTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	someSpan   = "00f067aa0ba902b7"
	someParent = "00-" + someTrace + "-" + someSpan + "-01"
)

// traced is a configuration whose requests are traced.
func traced(c *proxyconfig.Config, collector string, change func(*proxyconfig.Tracing)) *proxyconfig.Config {
	b := backendAt("collector", collector)
	b.Protocol = proxyconfig.BackendHTTP2
	c.Backends = append(c.Backends, b)
	all := proxyconfig.Fraction{Numerator: 1, Denominator: 1}
	c.Tracing = &proxyconfig.Tracing{Collector: b.ID, Authority: "collector", ServiceName: "edge", Sampling: all, ParentSampling: &all}
	if change != nil {
		change(c.Tracing)
	}
	return c
}

// startTraced starts a proxy with an exporter, which ends before the test does.
func startTraced(t *testing.T, d Driver, c *proxyconfig.Config) *proxy {
	t.Helper()
	began := time.Now()
	registry := balance.NewRegistry(balance.Options{AllowLoopback: true})
	e := otlp.New(otlp.Options{Permit: registry.Permit, Now: func() int64 { return int64(time.Since(began)) }, Log: logr.Discard()})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { e.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return start(t, settings{driver: d, exporter: e}, c)
}

// spansOf sorts spans into that of the request and those of attempts.
func spansOf(t *testing.T, all []otlptest.Span) (server otlptest.Span, clients []otlptest.Span) {
	t.Helper()
	for _, s := range all {
		if s.Kind == tracepb.Span_SPAN_KIND_SERVER {
			server = s
		} else {
			clients = append(clients, s)
		}
	}
	if server.Span == nil {
		t.Fatal("no span of the request")
	}
	return server, clients
}

func wantAttributes(t *testing.T, s otlptest.Span, want map[string]any) {
	t.Helper()
	got := s.Attributes()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s of the span %s: got %v, want %v", name, s.Name, got[name], value)
		}
	}
}

func TestSpansOfARequest(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		collector := otlptest.New(t)
		heard := make(chan http.Header, 1)
		_, backend := serve(t, func(w http.ResponseWriter, r *http.Request) {
			heard <- r.Header
			w.Header().Set("X-Answer", "forty-two")
			io.WriteString(w, "hello")
		})
		p := startTraced(t, d, traced(to(backend), collector.Addr(), func(c *proxyconfig.Tracing) {
			c.SpanName = "ingress"
			c.Attributes = []proxyconfig.SpanAttribute{
				{Name: "env", Literal: "test"}, {Name: "user", Header: "x-user"}, {Name: "answer", Header: "X-Answer"},
				{Name: "none", Header: "X-None"}, {Name: "q", Key: "url.query"},
			}
		}))
		req, _ := http.NewRequest("GET", p.url("/a/b?token=secret"), nil)
		for name, value := range map[string]string{
			"Traceparent": someParent, "Tracestate": "vendor=1", "User-Agent": "tester", "X-User": "eve", "Authorization": "Bearer hidden",
		} {
			req.Header.Set(name, value)
		}
		if resp, body := do(t, client(t), req); resp.StatusCode != 200 || body != "hello" {
			t.Fatalf("got %d %q", resp.StatusCode, body)
		}
		server, clients := spansOf(t, collector.Await(t, 2))
		if server.Name != "ingress" || server.Trace() != someTrace || server.Parent() != someSpan || server.TraceState != "vendor=1" {
			t.Errorf("got span %v", server)
		}
		if len(clients) != 1 || clients[0].Name != "GET" || clients[0].Parent() != server.ID() || clients[0].Trace() != someTrace {
			t.Fatalf("got spans of attempts %v", clients)
		}
		h := <-heard
		if want := "00-" + someTrace + "-" + clients[0].ID() + "-01"; h.Get("Traceparent") != want || len(h["Traceparent"]) != 1 || h.Get("Tracestate") != "vendor=1" {
			t.Errorf("the backend heard of %v with %q, want %s", h["Traceparent"], h.Get("Tracestate"), want)
		}
		wantAttributes(t, server, map[string]any{
			"http.request.method": "GET", "url.path": "/a/b", "url.scheme": "http", "server.address": "127.0.0.1", "server.port": int(p.port),
			"client.address": "127.0.0.1", "network.protocol.version": "1.1", "user_agent.original": "tester",
			"http.response.status_code": 200, "http.response.body.size": 5, "error.type": nil, "url.query": nil,
			"env": "test", "user": "eve", "answer": "forty-two", "none": nil, "q": "token=secret",
		})
		wantAttributes(t, clients[0], map[string]any{
			"url.full": "http://" + p.addr() + "/a/b", "server.address": "b.ns", "server.port": 80, "network.peer.address": "127.0.0.1",
			"http.response.status_code": 200, "network.protocol.version": "1.1", "env": "test", "http.request.resend_count": nil,
		})
		if text := fmt.Sprint(server, clients); strings.Contains(text, "hidden") {
			t.Errorf("credentials are in %s", text)
		}
		for _, s := range append(clients, server) {
			if s.StartTimeUnixNano == 0 || s.EndTimeUnixNano < s.StartTimeUnixNano || s.Status.GetCode() != tracepb.Status_STATUS_CODE_UNSET {
				t.Errorf("span %s lasts from %d to %d with status %v", s.Name, s.StartTimeUnixNano, s.EndTimeUnixNano, s.Status)
			}
		}
		if records := p.records.await(t, 1); fmt.Sprintf("%x", records[0].TraceID) != someTrace {
			t.Errorf("observers are told of trace %x", records[0].TraceID)
		}
	})
}

func TestWhatIsPassedOnOfTraces(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		heard := make(chan http.Header, 1)
		_, backend := serve(t, func(_ http.ResponseWriter, r *http.Request) { heard <- r.Header })
		none := func(c *proxyconfig.Tracing) { c.Sampling.Numerator = 0 }
		tests := []struct {
			name            string
			untraced        bool
			policy          func(*proxyconfig.Tracing)
			parent, state   string
			trace, flags    string
			newSpan, state2 bool
		}{
			{name: "no policy passes on what there is", untraced: true, parent: someParent, state: "a=1", trace: someTrace, flags: "01", state2: true},
			{name: "a trace that is not recorded", parent: someParent[:53] + "00", state: "a=1", trace: someTrace, flags: "00", newSpan: true, state2: true},
			{name: "a decision that is not followed", policy: func(c *proxyconfig.Tracing) { none(c); c.ParentSampling = nil }, parent: someParent, trace: someTrace, flags: "00", newSpan: true},
			{name: "what makes no sense begins anew", policy: none, parent: "00-xyz", state: "a=1", flags: "00", newSpan: true},
			{name: "so does nothing", policy: none, flags: "00", newSpan: true},
			{name: "a state that is too long", parent: someParent[:53] + "00", state: "a=" + strings.Repeat("x", 600), trace: someTrace, flags: "00", newSpan: true},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				collector := otlptest.New(t)
				c := traced(to(backend), collector.Addr(), test.policy)
				if test.untraced {
					c.Tracing = nil
				}
				p := startTraced(t, d, c)
				req, _ := http.NewRequest("GET", p.url("/"), nil)
				if test.parent != "" {
					req.Header.Set("traceparent", test.parent)
				}
				if test.state != "" {
					req.Header.Set("tracestate", test.state)
				}
				do(t, client(t), req)
				h := <-heard
				parts := strings.Split(h.Get("traceparent"), "-")
				if len(parts) != 4 || parts[3] != test.flags || test.trace != "" && parts[1] != test.trace || (parts[2] != someSpan) != test.newSpan {
					t.Errorf("got traceparent %q", h["Traceparent"])
				}
				if got := h.Get("tracestate") != ""; got != test.state2 {
					t.Errorf("got tracestate %q", h.Get("tracestate"))
				}
			})
		}
	})
}

func TestSpansOfFailures(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		collector := otlptest.New(t)
		var mu sync.Mutex
		var parents []string
		_, backend := serve(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if parents = append(parents, r.Header.Get("traceparent")); len(parents) == 1 {
				w.WriteHeader(503)
			}
		})
		c := to(backend)
		c.Routes[0].Rules[0].Retry = &proxyconfig.Retry{Attempts: 1, Codes: []int{503}}
		p := startTraced(t, d, traced(c, collector.Addr(), nil))
		fetch(t, client(t), "GET", p.url("/"), nil)
		server, clients := spansOf(t, collector.Await(t, 3))
		if len(clients) != 2 || clients[0].Parent() != server.ID() || clients[1].Parent() != server.ID() {
			t.Fatalf("got spans %v", clients)
		}
		wantAttributes(t, server, map[string]any{"http.response.status_code": 200, "error.type": nil})
		wantAttributes(t, clients[0], map[string]any{"http.response.status_code": 503, "error.type": "503"})
		wantAttributes(t, clients[1], map[string]any{"http.response.status_code": 200, "http.request.resend_count": 1})
		for i, s := range clients {
			if !strings.Contains(parents[i], s.ID()) {
				t.Errorf("attempt %d was sent with %s, and is span %s", i, parents[i], s.ID())
			}
		}
	})
}

func TestSpansOfWhatNobodyServes(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		collector := otlptest.New(t)
		closed := fmt.Sprintf("127.0.0.1:%d", porttest.Free(t))
		p := startTraced(t, d, traced(to(closed), collector.Addr(), nil))
		fetch(t, client(t), "GET", p.url("/"), nil)
		server, clients := spansOf(t, collector.Await(t, 2))
		wantAttributes(t, server, map[string]any{"http.response.status_code": 502, "error.type": "502"})
		wantAttributes(t, clients[0], map[string]any{"http.response.status_code": nil, "error.type": "connect_failed"})
		if server.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || clients[0].Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR {
			t.Errorf("got status %v and %v", server.Status, clients[0].Status)
		}
	})
}

func TestSpansOfHTTP2(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		collector := otlptest.New(t)
		_, backend := serve(t, func(http.ResponseWriter, *http.Request) {})
		p := startTraced(t, d, traced(to(backend), collector.Addr(), nil))
		req, _ := http.NewRequest("PURGE", p.url("/x"), nil)
		req.Header.Set("traceparent", someParent)
		do(t, http2Client(t), req)
		server, clients := spansOf(t, collector.Await(t, 2))
		if server.Name != "HTTP" || server.Parent() != someSpan || len(clients) != 1 || clients[0].Parent() != server.ID() {
			t.Errorf("got %v and %v", server, clients)
		}
		wantAttributes(t, server, map[string]any{
			"http.request.method": "_OTHER", "http.request.method_original": "PURGE", "network.protocol.version": "2",
		})
	})
}

// What is recorded of a tunnel is how it came to be: it may last for days.
func TestSpansOfAnUpgrade(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		collector := otlptest.New(t)
		backend := script(t, func(_ int, c *rawConn) {
			c.request()
			c.send("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", "", "")
			io.Copy(io.Discard, c.r)
		})
		p := startTraced(t, d, traced(to(backend), collector.Addr(), nil))
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "")
		server, clients := spansOf(t, collector.Await(t, 2))
		wantAttributes(t, server, map[string]any{"http.response.status_code": 101, "error.type": nil})
		if len(clients) != 1 || clients[0].Parent() != server.ID() {
			t.Fatalf("got %v", clients)
		}
		wantAttributes(t, clients[0], map[string]any{"http.response.status_code": 101})
	})
}

// A copy belongs to the trace as a child of the request's span, and has none of its
// own.
func TestCopiesBelongToTheTrace(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		collector := otlptest.New(t)
		heard := make(chan string, 1)
		_, backend := serve(t, func(http.ResponseWriter, *http.Request) {})
		_, copies := serve(t, func(_ http.ResponseWriter, r *http.Request) { heard <- r.Header.Get("traceparent") })
		c := to(backend)
		c.Backends = append(c.Backends, backendAt("copies", copies))
		c.Routes[0].Rules[0].Filters = []proxyconfig.Filter{{Type: proxyconfig.FilterMirror, Mirror: &proxyconfig.Mirror{Backend: backendID("copies")}}}
		p := startTraced(t, d, traced(c, collector.Addr(), nil))
		fetch(t, client(t), "GET", p.url("/"), nil)
		server, clients := spansOf(t, collector.Await(t, 2))
		if got := <-heard; !strings.Contains(got, server.Trace()+"-"+server.ID()) || len(clients) != 1 {
			t.Errorf("the copy came with %s; got %v and %v", got, server, clients)
		}
	})
}

// What an authorization server has the head for the backend say moves what is said
// of the trace.
func TestSpansOfWhatIsAllowed(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		collector := otlptest.New(t)
		heard := make(chan http.Header, 1)
		_, backend := serve(t, func(_ http.ResponseWriter, r *http.Request) { heard <- r.Header })
		_, auth := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-User", "eve, who has a long name") })
		c := guarded(auth, backend, proxyconfig.ExternalAuth{Protocol: proxyconfig.AuthHTTP, ResponseHeaders: []string{"X-User"}})
		p := startTraced(t, d, traced(c, collector.Addr(), nil))
		fetch(t, client(t), "GET", p.url("/"), nil)
		server, clients := spansOf(t, collector.Await(t, 2))
		h := <-heard
		if len(clients) != 1 || h.Get("X-User") == "" || h.Get("traceparent") != "00-"+server.Trace()+"-"+clients[0].ID()+"-01" {
			t.Errorf("the backend heard %v; got %v and %v", h, server, clients)
		}
	})
}

// The rule's own edits have the last word, as with every other header.
func TestEditsOfTraces(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		collector := otlptest.New(t)
		heard := make(chan http.Header, 1)
		_, backend := serve(t, func(_ http.ResponseWriter, r *http.Request) { heard <- r.Header })
		c := to(backend)
		c.Routes[0].Rules[0].Filters = []proxyconfig.Filter{{Type: proxyconfig.FilterRequestHeaders, Headers: &proxyconfig.HeaderEdits{
			Remove: []string{"Traceparent", "Tracestate"},
		}}}
		p := startTraced(t, d, traced(c, collector.Addr(), nil))
		req, _ := http.NewRequest("GET", p.url("/"), nil)
		req.Header.Set("traceparent", someParent)
		do(t, client(t), req)
		if h := <-heard; h.Get("traceparent") != "" {
			t.Errorf("the backend heard of %s", h.Get("traceparent"))
		}
	})
}

// A call is a request like another, and so is the attempt at its HTTP/2 backend.
func TestSpansOfACall(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		collector := otlptest.New(t)
		heard := make(chan http.Header, 1)
		backend := serveCalls(t, func(r *http.Request, _ string) (answer, status string) {
			heard <- r.Header
			return "", "0"
		})
		c := to(backend)
		c.Backends[0].Protocol = proxyconfig.BackendHTTP2
		p := startTraced(t, d, traced(c, collector.Addr(), nil))
		req, _ := http.NewRequest("POST", p.url("/envoy.service.auth.v3.Authorization/Check"), strings.NewReader("\x00\x00\x00\x00\x00"))
		req.Header.Set("content-type", "application/grpc")
		req.Header.Set("te", "trailers")
		do(t, http2Client(t), req)
		server, clients := spansOf(t, collector.Await(t, 2))
		if h := <-heard; len(clients) != 1 || h.Get("traceparent") != "00-"+server.Trace()+"-"+clients[0].ID()+"-01" {
			t.Fatalf("the backend heard %q; got %v and %v", h.Get("traceparent"), server, clients)
		}
		wantAttributes(t, server, map[string]any{"url.path": "/envoy.service.auth.v3.Authorization/Check", "network.protocol.version": "2", "http.response.status_code": 200})
		wantAttributes(t, clients[0], map[string]any{"network.protocol.version": "2", "http.response.status_code": 200})
	})
}
