package health

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
)

// loopback is a prober that may dial this machine.
func loopback() *prober {
	c := New(Options{Registry: balance.NewRegistry(balance.Options{AllowLoopback: true})})
	return &c.prober
}

// serve runs a handler that speaks HTTP/1.1, or HTTP/2 without TLS.
func serve(t *testing.T, h2 bool, h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(!h2)
	s.Config.Protocols.SetUnencryptedHTTP2(h2)
	s.Start()
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

func TestHTTPProbe(t *testing.T) {
	addr := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case r.URL.Path == "/ok" && r.Host == "cart.internal":
			w.WriteHeader(http.StatusNoContent)
		case r.URL.Path == "/slow":
			<-r.Context().Done()
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	tests := []struct {
		path, host string
		first      int
		want       bool
	}{
		{"/ok", "cart.internal", 200, true},
		{"/ok", "cart.internal", 205, false},
		{"/ok", "", 200, false},
		{"/moved", "cart.internal", 200, false},
		{"/slow", "", 200, false},
	}
	for _, test := range tests {
		timeout := 10 * time.Second
		if test.path == "/slow" {
			timeout = 20 * time.Millisecond
		}
		check := &balance.Check{
			Type: proxyconfig.CheckHTTP, Path: test.path, Host: test.host, Timeout: timeout,
			Statuses: []proxyconfig.StatusRange{{First: test.first, Last: 299}},
		}
		if err := loopback().probe(context.Background(), addr, check); (err == nil) != test.want {
			t.Errorf("%+v: got %v", test, err)
		}
	}
}

func TestGRPCProbe(t *testing.T) {
	addr := serve(t, true, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answers := map[string]struct{ message, status string }{
			"\x00\x00\x00\x00\x00":             {"\x00\x00\x00\x00\x02\x08\x01", "0"},
			"\x00\x00\x00\x00\x06\x0a\x04down": {"\x00\x00\x00\x00\x02\x08\x02", "0"},
			"\x00\x00\x00\x00\x06\x0a\x04late": {"\x00\x00\x00\x00\x02\x08\x01", "14"},
		}
		answer, ok := answers[string(body)]
		if !ok || r.URL.Path != "/grpc.health.v1.Health/Check" || r.Header.Get("Content-Type") != "application/grpc" {
			w.Header().Set("Grpc-Status", "5")
			return
		}
		w.Header().Set("Trailer", "Grpc-Status")
		io.WriteString(w, answer.message)
		w.Header().Set("Grpc-Status", answer.status)
	})
	for service, want := range map[string]bool{"": true, "down": false, "late": false, "unknown": false} {
		check := &balance.Check{Type: proxyconfig.CheckGRPC, Service: service, Timeout: 10 * time.Second}
		if err := loopback().probe(context.Background(), addr, check); (err == nil) != want {
			t.Errorf("service %q: got %v", service, err)
		}
	}
}

func TestTCPProbe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := netip.MustParseAddrPort(l.Addr().String())
	if err := loopback().probe(context.Background(), addr, nil); err != nil {
		t.Errorf("a port that is open: %v", err)
	}
	elsewhere := netip.AddrPortFrom(addr.Addr(), 1)
	if err := loopback().probe(context.Background(), elsewhere, &balance.Check{Type: proxyconfig.CheckTCP, Port: addr.Port(), Timeout: 10 * time.Second}); err != nil {
		t.Errorf("the check's own port: %v", err)
	}
	closed := netip.AddrPortFrom(addr.Addr(), porttest.Free(t))
	if err := loopback().probe(context.Background(), closed, nil); err == nil {
		t.Error("a port that is closed is well")
	}
}

// A backend that expects a PROXY protocol header gets one that names no client.
func TestProbesSpeakForThemselves(t *testing.T) {
	http := func(port uint16) *balance.Check {
		return &balance.Check{Type: proxyconfig.CheckHTTP, Path: "/", Port: port, Timeout: 10 * time.Second}
	}
	tests := []struct {
		name    string
		version proxyconfig.ProxyVersion
		check   *balance.Check
		want    string
		then    string
	}{
		{"version 1", proxyconfig.ProxyV1, http(0), "PROXY UNKNOWN\r\n", "GET "},
		{"version 2", proxyconfig.ProxyV2, http(0), "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", "GET "},
		{"readmission", proxyconfig.ProxyV1, nil, "PROXY UNKNOWN\r\n", ""},
		{"none", "", http(0), "", "GET "},
		{"another port", proxyconfig.ProxyV1, http(81), "", "GET "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			seen := make(chan string, 1)
			c := New(Options{
				Registry:  balance.NewRegistry(balance.Options{}),
				SentProxy: func(*balance.Cluster) proxyconfig.ProxyVersion { return test.version },
				Dial: func(context.Context, netip.AddrPort) (net.Conn, error) {
					near, far := net.Pipe()
					go func() {
						defer far.Close()
						b, _ := io.ReadAll(io.LimitReader(far, int64(len(test.want+test.then))))
						seen <- string(b)
					}()
					return near, nil
				},
			})
			p := c.proberFor(&target{endpoint: &balance.Endpoint{Cluster: &balance.Cluster{}}, check: test.check})
			// The far end gives no answer.
			_ = p.probe(context.Background(), netip.MustParseAddrPort("192.0.2.1:80"), test.check)
			if got := <-seen; got != test.want+test.then {
				t.Errorf("got %q, want %q", got, test.want+test.then)
			}
		})
	}
}

func TestForbiddenAddressesAreNeverDialled(t *testing.T) {
	p := prober{
		permit: balance.NewRegistry(balance.Options{}).Permit,
		dial: func(context.Context, netip.AddrPort) (net.Conn, error) {
			t.Error("dialled")
			return nil, io.EOF
		},
	}
	for _, kind := range []proxyconfig.CheckType{proxyconfig.CheckTCP, proxyconfig.CheckHTTP, proxyconfig.CheckGRPC} {
		for _, addr := range []string{"127.0.0.1:80", "169.254.169.254:80", "[fe80::1]:80"} {
			check := &balance.Check{Type: kind, Path: "/", Timeout: time.Second}
			if err := p.probe(context.Background(), netip.MustParseAddrPort(addr), check); err == nil {
				t.Errorf("%s %s was probed", kind, addr)
			}
		}
	}
}
