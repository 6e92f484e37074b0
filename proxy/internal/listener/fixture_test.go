package listener

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/l4"
	"github.com/fleetgate/fleetgate/proxy/internal/otlp"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// The loops of the proxies keep a processor each for as long as they have work.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 4)
	os.Exit(m.Run())
}

// onDrivers runs a test on each driver of plaintext ports.
func onDrivers(t *testing.T, f func(t *testing.T, d Driver)) {
	t.Run("fastest", func(t *testing.T) { f(t, Fastest) })
	t.Run("goroutines", func(t *testing.T) { f(t, Goroutines) })
}

// proxy is a Set that serves one configuration on a loopback port.
type proxy struct {
	t        testing.TB
	set      *Set
	port     uint16
	registry *balance.Registry
	current  atomic.Pointer[snapshot.Snapshot]
	records  *recorder
	revision int64

	certificates snapshot.Certificates
	exporter     *otlp.Exporter
}

// recorder keeps what the observers of all loops were told in turns that have ended.
type recorder struct {
	mu         sync.Mutex
	done       []record
	handshakes []traffic.Handshake
}

type record struct {
	traffic.Done
	method, host, target, id string
}

// turn is an observer that records nothing before a turn ends.
type turn struct {
	recorder   *recorder
	done       []record
	handshakes []traffic.Handshake
}

func (t *turn) RequestDone(d *traffic.Done) {
	t.done = append(t.done, record{*d, string(d.RawMethod), string(d.Host), string(d.Target), string(d.RequestID)})
}

// HandshakeDone implements traffic.HandshakeObserver.
func (t *turn) HandshakeDone(h traffic.Handshake) { t.handshakes = append(t.handshakes, h) }

// TurnDone implements traffic.TurnObserver.
func (t *turn) TurnDone() {
	if len(t.done) == 0 && len(t.handshakes) == 0 {
		return
	}
	r := t.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done, r.handshakes = append(r.done, t.done...), append(r.handshakes, t.handshakes...)
	t.done, t.handshakes = nil, nil
}

// await waits for n records.
func (r *recorder) await(t testing.TB, n int) []record {
	t.Helper()
	eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.done) >= n
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}

func eventually(t testing.TB, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); {
		if time.Now().After(deadline) {
			t.Fatal("it never came true")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

type settings struct {
	driver Driver
	limits exchange.Limits
	quiet  bool
	grace  time.Duration
	// idle and maxConnections are of connections below HTTP.
	idle           time.Duration
	maxConnections int
	// connections are the limits of the gate.
	connections overload.Limits
	trustedHops int
	// zone is the proxy's own.
	zone string
	// everywhere binds all addresses.
	everywhere   bool
	certificates snapshot.Certificates
	// exporter takes what is recorded of requests.
	exporter *otlp.Exporter
}

func start(t testing.TB, s settings, c *proxyconfig.Config) *proxy {
	t.Helper()
	p := &proxy{t: t, port: porttest.Free(t), registry: balance.NewRegistry(balance.Options{AllowLoopback: true, Zone: s.zone}), records: &recorder{}, certificates: s.certificates}
	o := Options{
		Loops: 2, Bind: netip.MustParseAddr("127.0.0.1"), Snapshot: &p.current,
		Log: logr.Discard(), Limits: s.limits, Driver: s.driver, DrainGrace: s.grace, TrustedHops: s.trustedHops,
		Gate: overload.NewGate(s.connections),
		L4:   l4.Options{Idle: s.idle, MaxConnections: s.maxConnections},
	}
	if s.everywhere {
		o.Bind = netip.Addr{}
	}
	p.certificates = s.certificates
	if p.exporter = s.exporter; p.exporter != nil {
		o.Spans = p.exporter
	}
	if !s.quiet {
		o.Observers = func(int) traffic.Observer { return &turn{recorder: p.records} }
	}
	var err error
	if p.set, err = New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.set.Close)
	p.apply(c)
	return p
}

// apply serves c; listeners without a port get the proxy's.
func (p *proxy) apply(c *proxyconfig.Config) {
	p.t.Helper()
	for i := range c.Listeners {
		if c.Listeners[i].Port == 0 {
			c.Listeners[i].Port = int32(p.port)
		}
	}
	p.revision++
	// Each configuration is read from a document of its own: what is served must not
	// change with what a test goes on with.
	document, _, err := proxyconfig.Encode(proxyconfig.Gateway{}, p.revision, c)
	if err != nil {
		p.t.Fatal(err)
	}
	d, c, _, err := proxyconfig.Decode(document)
	if err != nil {
		p.t.Fatal(err)
	}
	// What is refused answers 500, which is for the tests to see.
	s, _ := snapshot.Compile(snapshot.Input{
		Document: d,
		Config:   c, Registry: p.registry, Previous: p.current.Load(), Certificates: p.certificates,
		SessionSecret: []byte("the fleet's"),
	})
	p.current.Store(s)
	s.Commit()
	if p.exporter != nil {
		p.exporter.Follow(s.Spans)
	}
	if errs := p.set.Apply(s); len(errs) > 0 {
		p.t.Fatal(errs)
	}
}

func (p *proxy) addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }
func (p *proxy) url(path string) string {
	return "http://" + p.addr() + path
}

// dial returns a raw connection.
func (p *proxy) dial() *rawConn {
	p.t.Helper()
	c, err := net.Dial("tcp", p.addr())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return &rawConn{p.t, c.(*net.TCPConn), bufio.NewReader(c)}
}

type rawConn struct {
	t testing.TB
	*net.TCPConn
	r *bufio.Reader
}

func (c *rawConn) send(lines ...string) {
	c.t.Helper()
	c.sendRaw(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

func (c *rawConn) sendRaw(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// response reads a response to a request with the method and its body.
func (c *rawConn) response(method string) (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode < 200 {
		return resp, ""
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, string(b)
}

// wantEnd reads to the end of the connection and returns what was left.
func (c *rawConn) wantEnd() string {
	c.t.Helper()
	b, err := io.ReadAll(c.r)
	if err != nil {
		c.t.Fatalf("the connection did not end in order: %v", err)
	}
	return string(b)
}

// to is a configuration that sends every request to the addresses.
func to(addrs ...string) *proxyconfig.Config {
	return &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{{Name: "http", Protocol: proxyconfig.HTTP}},
		Routes:    []proxyconfig.Route{route("all", rule("/", ref("b")))},
		Backends:  []proxyconfig.Backend{backendAt("b", addrs...)},
	}
}

func route(name string, rules ...proxyconfig.Rule) proxyconfig.Route {
	return proxyconfig.Route{
		Kind: "HTTPRoute", Namespace: "ns", Name: name,
		Attachments: []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{""}}},
		Rules:       rules,
	}
}

func rule(prefix string, refs ...proxyconfig.BackendRef) proxyconfig.Rule {
	return proxyconfig.Rule{
		Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: prefix}}},
		Backends: refs,
	}
}

func ref(backend string) proxyconfig.BackendRef {
	return proxyconfig.BackendRef{Backend: backendID(backend), Weight: 1}
}

func backendID(name string) string { return "ns/" + name + ":80" }

func backendAt(name string, addrs ...string) proxyconfig.Backend {
	b := proxyconfig.Backend{ID: backendID(name), Namespace: "ns", Service: name, Port: 80, Protocol: "http"}
	for _, a := range addrs {
		ap := netip.MustParseAddrPort(a)
		b.Endpoints = append(b.Endpoints, proxyconfig.Endpoint{Address: ap.Addr().String(), Port: int32(ap.Port())})
	}
	return b
}

// serve starts a backend of net/http and returns its address.
func serve(t testing.TB, h http.HandlerFunc) (*httptest.Server, string) {
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s, s.Listener.Addr().String()
}

// script starts a backend that runs f for every connection.
func script(t testing.TB, f func(n int, c *rawConn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	running.Go(func() {
		for n := 0; ; n++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				defer context.AfterFunc(ctx, func() { c.Close() })()
				f(n, &rawConn{t, c.(*net.TCPConn), bufio.NewReader(c)})
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		cancel()
		running.Wait()
	})
	return ln.Addr().String()
}

// request reads a request and its body at a scripted backend; nil at the end.
func (c *rawConn) request() (*http.Request, string) {
	r, err := http.ReadRequest(c.r)
	if err != nil {
		return nil, ""
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, ""
	}
	return r, string(b)
}

func client(t testing.TB) *http.Client {
	tr := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport: tr, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// fetch requests a URL and returns the response and its body.
func fetch(t testing.TB, c *http.Client, method, url string, body io.Reader) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, c, req)
}

func do(t testing.TB, c *http.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}
