package listener

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// wantRefused connects, and is reset by then or soon after.
func (p *proxy) wantRefused() {
	p.t.Helper()
	c, err := net.Dial("tcp", p.addr())
	if err == nil {
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		p.t.Errorf("got %v, want a reset", err)
	}
}

func (p *proxy) refused(r overload.Reason) uint64 { return p.set.opts.Gate.Stats().Refused[r] }

// A connection too many is reset at once, whatever drives the port, and one that
// has ended makes room for another.
func TestConnectionsOfAListener(t *testing.T) {
	_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "served") })
	below := below(proxyconfig.TCP, "TCPRoute", script(t, func(_ int, c *rawConn) {
		r, _ := c.request()
		if r != nil {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nserved")
			c.request()
		}
	}))
	for name, tt := range map[string]struct {
		driver Driver
		config *proxyconfig.Config
	}{
		"fastest": {Fastest, to(addr)}, "goroutines": {Goroutines, to(addr)}, "TCP": {Fastest, below},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, settings{driver: tt.driver, connections: overload.Limits{PerListener: 2}}, tt.config)
			served := func() *rawConn {
				c := p.dial()
				c.send("GET / HTTP/1.1", "Host: a")
				if resp, body := c.response("GET"); resp.StatusCode != 200 || body != "served" {
					t.Errorf("got %d %q", resp.StatusCode, body)
				}
				return c
			}
			first := served()
			served()
			p.wantRefused()
			if got := p.refused(overload.ListenerFull); got != 1 {
				t.Errorf("counted %d", got)
			}
			first.Close()
			eventually(t, func() bool { return p.set.opts.Gate.Door(p.port).Open() == 1 })
			served()
		})
	}
}

func TestRefusingConnections(t *testing.T) {
	_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	onDrivers(t, func(t *testing.T, d Driver) {
		p := start(t, settings{driver: d}, to(addr))
		p.set.opts.Gate.Set(overload.RefuseConnections)
		p.wantRefused()
		if got := p.refused(overload.Overloaded); got != 1 {
			t.Errorf("counted %d", got)
		}
		p.set.opts.Gate.Set(overload.Normal)
		if resp, _ := fetch(t, client(t), "GET", p.url("/"), nil); resp.StatusCode != 200 {
			t.Errorf("got %d", resp.StatusCode)
		}
	})
}

// A gRPC client is told UNAVAILABLE.
func TestSheddingGRPC(t *testing.T) {
	_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	onDrivers(t, func(t *testing.T, d Driver) {
		p := start(t, settings{driver: d}, to(addr))
		p.set.opts.Gate.Set(overload.ShedRequests)
		r, _ := http.NewRequest("POST", p.url("/"), strings.NewReader("body"))
		r.Header.Set("Content-Type", "application/grpc")
		resp, err := http2Client(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Grpc-Status"); resp.StatusCode != 200 || got != "14" || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("got %d, gRPC status %q, %v", resp.StatusCode, got, resp.Header)
		}
	})
}

// Without a descriptor for the backend a request is answered 503, which says
// nothing of the backend.
func TestNoDescriptorForABackend(t *testing.T) {
	_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	onDrivers(t, func(t *testing.T, d Driver) {
		p := start(t, settings{driver: d, connections: overload.Limits{Descriptors: 1}}, to(addr))
		if resp, _ := fetch(t, client(t), "GET", p.url("/"), nil); resp.StatusCode != 503 {
			t.Errorf("got %d", resp.StatusCode)
		}
	})
}

// A connection to a backend that is idle makes room for one to another backend.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {}
	_, b := serve(t, answer)
	_, c := serve(t, answer)
	onDrivers(t, func(t *testing.T, d Driver) {
		config := to(b)
		config.Routes[0].Rules = append(config.Routes[0].Rules, rule("/c", ref("c")))
		config.Backends = append(config.Backends, backendAt("c", c))
		p := start(t, settings{driver: d, connections: overload.Limits{Backends: 1}}, config)
		cl := client(t)
		for _, path := range []string{"/", "/c", "/", "/c"} {
			if resp, _ := fetch(t, cl, "GET", p.url(path), nil); resp.StatusCode != 200 {
				t.Errorf("%s: got %d", path, resp.StatusCode)
			}
		}
	})
}

// Clients that never finish their handshake do not keep others out: the oldest
// has to go when there are too many.
func TestSlowHandshakes(t *testing.T) {
	a := newAuthority(t, "a.example")
	onDrivers(t, func(t *testing.T, d Driver) {
		// Each of the two loops has two places.
		limits := overload.Limits{Handshakes: 4}
		p := start(t, settings{driver: d, certificates: a, connections: limits}, a.secured(a.backend(t, false, false)))
		slow := func() *rawConn {
			c := p.dial()
			c.sendRaw("\x16\x03\x01")
			return c
		}
		first := slow()
		eventually(t, func() bool { return p.set.opts.Gate.Door(p.port).Open() == 1 })
		for range 39 {
			slow()
		}
		// Whoever is in after the honest client sends it away as well.
		eventually(t, func() bool { return p.refused(overload.NotGreeted) == 36 })
		if resp, _ := fetch(t, a.client(t, false), "GET", "https://"+p.addr()+"/", nil); resp.StatusCode != 200 {
			t.Errorf("got %d", resp.StatusCode)
		}
		if _, err := first.Read(make([]byte, 1)); err == nil {
			t.Error("the first of them stayed")
		}
	})
}

// Ended handshakes, of whatever end, leave nothing behind that counts.
func TestHandshakesAreForgotten(t *testing.T) {
	a := newAuthority(t, "a.example")
	onDrivers(t, func(t *testing.T, d Driver) {
		limits := overload.Limits{Handshakes: 2, PerListener: 4}
		p := start(t, settings{driver: d, certificates: a, connections: limits}, a.secured(a.backend(t, false, false)))
		empty := func() bool { return p.set.opts.Gate.Door(p.port).Open() == 0 }
		for range 20 {
			if c, err := tls.Dial("tcp", p.addr(), &tls.Config{InsecureSkipVerify: true}); err == nil {
				c.Close()
			}
			eventually(t, empty)
			left := p.dial()
			left.sendRaw("no hello at all, and longer than a record's header")
			io.Copy(io.Discard, left.r)
			left.Close()
			eventually(t, empty)
		}
		if got := p.refused(overload.NotGreeted) + p.refused(overload.ListenerFull); got != 0 {
			t.Errorf("%d were refused", got)
		}
	})
}
