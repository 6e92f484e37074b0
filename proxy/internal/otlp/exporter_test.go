package otlp

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/otlp/otlptest"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/tracing"
)

// spansTo compiles a configuration whose spans go to an address.
func spansTo(t *testing.T, address, protocol string) *snapshot.Spans {
	t.Helper()
	return spansOver(t, address, protocol, nil)
}

func spansOver(t *testing.T, address, protocol string, tls *proxyconfig.BackendTLS) *snapshot.Spans {
	t.Helper()
	return spansBy(t, address, proxyconfig.Backend{Protocol: protocol, TLS: tls})
}

// spansBy takes the protocols of the collector's backend from one.
func spansBy(t *testing.T, address string, collector proxyconfig.Backend) *snapshot.Spans {
	t.Helper()
	at := netip.MustParseAddrPort(address)
	collector.ID, collector.Namespace, collector.Service, collector.Port = "mon/collector:4317", "mon", "collector", 4317
	collector.Endpoints = []proxyconfig.Endpoint{{Address: at.Addr().String(), Port: int32(at.Port())}}
	c := &proxyconfig.Config{
		Backends: []proxyconfig.Backend{collector},
		Tracing: &proxyconfig.Tracing{
			Collector: "mon/collector:4317", Authority: "collector.mon:4317", ServiceName: "edge", Sampling: proxyconfig.Fraction{Numerator: 1, Denominator: 1},
			Headers: &proxyconfig.CertificateRef{Key: "headers"},
		},
	}
	s, refused := snapshot.Compile(snapshot.Input{
		Document: &proxyconfig.Document{}, Config: c, Certificates: headers{},
		Registry: balance.NewRegistry(balance.Options{AllowLoopback: true}),
	})
	if len(refused) > 0 {
		t.Fatal(refused)
	}
	s.Commit()
	return s.Spans
}

// headers has those for a collector.
type headers struct{}

func (headers) Find(proxyconfig.CertificateRef) (snapshot.KeyPair, bool) {
	return snapshot.KeyPair{Key: []byte(`[{"name":"X-Key","value":"secret"}]`)}, true
}

func options() Options {
	began := time.Now()
	return Options{
		Permit: func(netip.Addr) error { return nil }, Now: func() int64 { return int64(time.Since(began)) },
		Version: "v1", Instance: "pod", Log: logr.Discard(),
	}
}

// run runs an exporter, and returns what ends it and waits for that.
func run(t *testing.T, e *Exporter) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { e.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}

// awaitStats waits until something has become of some spans.
func awaitStats(t *testing.T, e *Exporter) Stats {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if got := e.Stats(); got != (Stats{}) {
			return got
		}
	}
	t.Fatal("nothing has become of the spans")
	return Stats{}
}

func request(n byte) *tracing.Request {
	at := time.Unix(1e9, 0)
	return &tracing.Request{
		Policy: &tracing.Policy{}, Context: tracing.Context{Trace: tracing.TraceID{1, n}, Span: tracing.SpanID{2, n}, Flags: 1},
		Start: at, End: at.Add(time.Second), Method: "GET", Path: "/\xff", Status: 200,
		Attempts: []tracing.Attempt{{Span: tracing.SpanID{3, n}, Start: at, End: at.Add(time.Second), Peer: netip.MustParseAddrPort("10.0.0.1:80")}},
	}
}

func TestSpansReachTheCollector(t *testing.T) {
	for _, protocol := range []string{proxyconfig.BackendHTTP1, proxyconfig.BackendHTTP2} {
		t.Run(protocol, func(t *testing.T) {
			collector := otlptest.New(t)
			e := New(options())
			e.Follow(spansTo(t, collector.Addr(), protocol))
			stop := run(t, e)
			e.Take(request(1))
			// What is left is sent at the end, without waiting for more.
			stop()
			spans := collector.Spans()
			if len(spans) != 2 {
				t.Fatalf("got %d spans", len(spans))
			}
			i := slices.IndexFunc(spans, func(s otlptest.Span) bool { return s.Parent() == "" })
			if i < 0 || spans[1-i].Parent() != spans[i].ID() || spans[0].Trace() != spans[1].Trace() {
				t.Errorf("got spans %v", spans)
			}
			if got := spans[0].Resource; got["service.name"] != "edge" || got["service.version"] != "v1" || got["service.instance.id"] != "pod" {
				t.Errorf("got resource %v", got)
			}
			q := collector.Requests()[0]
			if q.Host != "collector.mon:4317" || q.Header.Get("X-Key") != "secret" || (q.ProtoMajor == 2) != (protocol == proxyconfig.BackendHTTP2) {
				t.Errorf("got a request to %s by %s with %v", q.Host, q.Proto, q.Header)
			}
			if got := e.Stats(); got != (Stats{Exported: 2}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestSpansGoOverTLS(t *testing.T) {
	for _, protocol := range []string{proxyconfig.BackendHTTP1, proxyconfig.BackendHTTP2} {
		t.Run(protocol, func(t *testing.T) {
			collector := &otlptest.Receiver{}
			server := httptest.NewUnstartedServer(collector)
			server.EnableHTTP2 = protocol == proxyconfig.BackendHTTP2
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			defer server.Close()
			authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
			over := func(name string) Stats {
				e := New(options())
				e.Follow(spansOver(t, server.Listener.Addr().String(), protocol, &proxyconfig.BackendTLS{ServerName: name, CACertificates: authority}))
				run(t, e)
				e.Take(request(1))
				return awaitStats(t, e)
			}
			if got := over("example.com"); got != (Stats{Exported: 2}) {
				t.Errorf("got %+v", got)
			}
			if got := over("example.org"); got != (Stats{Failed: 2}) || len(collector.Spans()) != 2 {
				t.Errorf("somebody else: got %+v", got)
			}
		})
	}
}

// headed takes the PROXY protocol header off each connection, and tells of it. The
// connections of who sends none are closed.
type headed struct {
	net.Listener
	header string
	seen   chan string
}

// Accept implements net.Listener.
func (l headed) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	b := make([]byte, len(l.header))
	_, _ = io.ReadFull(conn, b)
	select {
	case l.seen <- string(b):
	default:
	}
	if string(b) != l.header {
		conn.Close()
	}
	return conn, nil
}

func TestTheHeaderOfABackendIsSentFirst(t *testing.T) {
	for _, test := range []struct {
		name, protocol string
		version        proxyconfig.ProxyVersion
		secure         bool
		want           string
	}{
		{"version 1", proxyconfig.BackendHTTP1, proxyconfig.ProxyV1, false, "PROXY UNKNOWN\r\n"},
		{"version 2 before HTTP/2", proxyconfig.BackendHTTP2, proxyconfig.ProxyV2, false, "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"},
		{"version 1 before TLS", proxyconfig.BackendHTTP1, proxyconfig.ProxyV1, true, "PROXY UNKNOWN\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			collector := &otlptest.Receiver{}
			server := httptest.NewUnstartedServer(collector)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetHTTP1(true)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			seen := make(chan string, 1)
			server.Listener = headed{server.Listener, test.want, seen}
			backend := proxyconfig.Backend{Protocol: test.protocol, ProxyProtocol: test.version}
			if test.secure {
				server.StartTLS()
				authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
				backend.TLS = &proxyconfig.BackendTLS{ServerName: "example.com", CACertificates: authority}
			} else {
				server.Start()
			}
			defer server.Close()
			e := New(options())
			e.Follow(spansBy(t, server.Listener.Addr().String(), backend))
			run(t, e)
			e.Take(request(1))
			if got := awaitStats(t, e); got != (Stats{Exported: 2}) {
				t.Errorf("got %+v", got)
			}
			if got := <-seen; got != test.want {
				t.Errorf("got header %q, want %q", got, test.want)
			}
		})
	}
}

func TestTakeDropsAndNeverBlocks(t *testing.T) {
	collector := otlptest.New(t)
	release := make(chan struct{})
	var begun sync.Once
	held := make(chan struct{})
	collector.Answer = func(http.ResponseWriter, *http.Request) bool {
		begun.Do(func() { close(held) })
		<-release
		return false
	}
	e := New(options())
	e.Follow(spansTo(t, collector.Addr(), proxyconfig.BackendHTTP2))
	stop := run(t, e)
	// The collector is at the first batch while more comes than there is room for.
	for range batchLength / 2 {
		e.Take(request(1))
	}
	<-held
	const more = 3 * queueLength
	for range more {
		e.Take(request(2))
	}
	if got, least := e.Stats().Overflowed, uint64(2*(more-queueLength)); got < least {
		t.Errorf("%d spans were dropped, want %d", got, least)
	}
	close(release)
	stop()
	got := e.Stats()
	if sum := got.Exported + got.Overflowed + got.Failed; sum != 2*(batchLength/2+more) {
		t.Errorf("got %+v, which is not all", got)
	}
}

func TestAnotherCollectorTakesOver(t *testing.T) {
	one, two := otlptest.New(t), otlptest.New(t)
	e := New(options())
	e.Follow(spansTo(t, one.Addr(), proxyconfig.BackendHTTP2))
	run(t, e)
	e.Take(request(1))
	one.Await(t, 2)
	e.Follow(spansTo(t, two.Addr(), proxyconfig.BackendHTTP1))
	e.Take(request(2))
	two.Await(t, 2)
	if got := len(one.Spans()); got != 2 {
		t.Errorf("the first collector has %d spans", got)
	}
}

func TestWhatWaitsIsSentBeforeThereIsNoCollector(t *testing.T) {
	collector := otlptest.New(t)
	e := New(options())
	e.Follow(spansTo(t, collector.Addr(), proxyconfig.BackendHTTP2))
	r := &runner{Exporter: e, ctx: t.Context(), timer: time.NewTimer(time.Hour)}
	r.take(request(1))
	e.Follow(nil)
	r.turn()
	if got := len(collector.Spans()); got != 2 || r.pipeline != nil {
		t.Errorf("got %d spans", got)
	}
	r.take(request(2))
	if got := e.Stats(); got != (Stats{Exported: 2, Failed: 2}) {
		t.Errorf("got %+v", got)
	}
}

func TestAnswersOfCollectors(t *testing.T) {
	tests := []struct {
		name     string
		protocol string
		status   int
		grpc     string
		want     int
	}{
		{"busy by HTTP", proxyconfig.BackendHTTP1, 503, "", 2},
		{"refused by HTTP", proxyconfig.BackendHTTP1, 400, "", 1},
		{"elsewhere by HTTP", proxyconfig.BackendHTTP1, 307, "", 1},
		{"busy by gRPC", proxyconfig.BackendHTTP2, 200, "14", 2},
		{"refused by gRPC", proxyconfig.BackendHTTP2, 200, "3", 1},
		{"no gRPC at all", proxyconfig.BackendHTTP2, 200, "", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			collector := otlptest.New(t)
			var mu sync.Mutex
			tries := 0
			collector.Answer = func(w http.ResponseWriter, _ *http.Request) bool {
				mu.Lock()
				defer mu.Unlock()
				if tries++; tries > 1 {
					return false
				}
				w.Header().Set("Location", "/v1/traces")
				if test.grpc != "" {
					w.Header().Set("Grpc-Status", test.grpc)
				}
				w.WriteHeader(test.status)
				return true
			}
			e := New(options())
			e.Follow(spansTo(t, collector.Addr(), test.protocol))
			r := &runner{Exporter: e, ctx: t.Context(), timer: time.NewTimer(time.Hour)}
			r.take(request(1))
			r.flush()
			want := Stats{Failed: 2}
			if test.want == 2 {
				want = Stats{Exported: 2}
			}
			if got := e.Stats(); got != want || tries != test.want {
				t.Errorf("got %+v after %d tries, want %+v after %d", got, tries, want, test.want)
			}
		})
	}
}

func TestCollectorsMayTakeAPart(t *testing.T) {
	for _, protocol := range []string{proxyconfig.BackendHTTP1, proxyconfig.BackendHTTP2} {
		t.Run(protocol, func(t *testing.T) {
			collector := otlptest.New(t)
			tries := 0
			collector.Answer = func(w http.ResponseWriter, _ *http.Request) bool {
				tries++
				// partial_success {rejected_spans: 1, error_message: "no"}, after a field that
				// is not known.
				message := []byte("\x10\x07\x0a\x06\x08\x01\x12\x02no")
				if protocol == proxyconfig.BackendHTTP2 {
					w.Header().Set("Trailer", "Grpc-Status")
					message = append([]byte{0, 0, 0, 0, byte(len(message))}, message...)
				}
				_, _ = w.Write(message)
				w.Header().Set("Grpc-Status", "0")
				return true
			}
			e := New(options())
			e.Follow(spansTo(t, collector.Addr(), protocol))
			r := &runner{Exporter: e, ctx: t.Context(), timer: time.NewTimer(time.Hour)}
			r.take(request(1))
			r.flush()
			if got := e.Stats(); got != (Stats{Exported: 1, Failed: 1}) || tries != 1 {
				t.Errorf("got %+v after %d tries", got, tries)
			}
		})
	}
}

func TestForbiddenCollectorsAreNotDialled(t *testing.T) {
	collector := otlptest.New(t)
	o := options()
	forbidden := errors.New("forbidden")
	o.Permit = func(netip.Addr) error { return forbidden }
	e := New(o)
	c := newClient(&e.options, spansTo(t, collector.Addr(), proxyconfig.BackendHTTP2))
	if err := c.send(t.Context(), nil); !errors.Is(err, forbidden) {
		t.Errorf("got %v", err)
	}
}

func FuzzRejectedIn(f *testing.F) {
	f.Add([]byte("\x0a\x06\x08\x01\x12\x02no"))
	f.Add([]byte("\x0a\xff"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		var p *partial
		if err := rejectedIn(answer); err != nil && (!errors.As(err, &p) || p.rejected == 0) {
			t.Errorf("got %v", err)
		}
	})
}
