// Package otlptest has a collector for tests.
package otlptest

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span that was received.
type Span struct {
	*tracepb.Span
	// Resource are the attributes of its resource.
	Resource map[string]any
}

// Attributes returns those of the span.
func (s Span) Attributes() map[string]any { return values(s.Span.Attributes) }

// Trace returns the identifier of its trace, in hexadecimal.
func (s Span) Trace() string { return hex.EncodeToString(s.TraceId) }

// ID returns its own.
func (s Span) ID() string { return hex.EncodeToString(s.SpanId) }

// Parent returns that of its parent, which is empty for none.
func (s Span) Parent() string { return hex.EncodeToString(s.ParentSpanId) }

// Receiver is a collector that takes OTLP/gRPC without TLS, and OTLP/HTTP.
type Receiver struct {
	// Answer, when it is set, answers a request instead; it says whether it has.
	Answer func(w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	spans    []Span
	requests []*http.Request
	server   *httptest.Server
}

// New returns a Receiver that runs until the test ends.
func New(t testing.TB) *Receiver {
	r := &Receiver{}
	r.server = httptest.NewUnstartedServer(r)
	r.server.Config.Protocols = new(http.Protocols)
	r.server.Config.Protocols.SetHTTP1(true)
	r.server.Config.Protocols.SetUnencryptedHTTP2(true)
	r.server.Start()
	t.Cleanup(r.server.Close)
	return r
}

// Addr returns its address.
func (r *Receiver) Addr() string { return r.server.Listener.Addr().String() }

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if r.Answer != nil && r.Answer(w, q) {
		return
	}
	body, err := io.ReadAll(q.Body)
	grpc := strings.HasSuffix(q.URL.Path, "TraceService/Export")
	if grpc && len(body) > 5 {
		body = body[5:]
	}
	var data tracepb.TracesData
	if err == nil {
		err = proto.Unmarshal(body, &data)
	}
	if err != nil || !grpc && q.URL.Path != "/v1/traces" {
		http.Error(w, "no spans", http.StatusBadRequest)
		return
	}
	r.keep(q, &data)
	if grpc {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = w.Write(make([]byte, 5))
		w.Header().Set("Grpc-Status", "0")
	}
}

func (r *Receiver) keep(q *http.Request, data *tracepb.TracesData) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, q)
	for _, resource := range data.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				r.spans = append(r.spans, Span{span, values(resource.Resource.Attributes)})
			}
		}
	}
}

func values(list []*commonpb.KeyValue) map[string]any {
	out := make(map[string]any, len(list))
	for _, kv := range list {
		switch v := kv.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			out[kv.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[kv.Key] = int(v.IntValue)
		}
	}
	return out
}

// Requests returns those that brought spans.
func (r *Receiver) Requests() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*http.Request(nil), r.requests...)
}

// Spans returns those that were received.
func (r *Receiver) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Span(nil), r.spans...)
}

// Await waits for n spans.
func (r *Receiver) Await(t testing.TB, n int) []Span {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if got := r.Spans(); len(got) >= n {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %d spans, want %d", len(r.Spans()), n)
		}
	}
}
