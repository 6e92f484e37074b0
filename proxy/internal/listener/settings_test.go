package listener

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// with are the same configuration with settings.
func with(c *proxyconfig.Config, s proxyconfig.Settings) *proxyconfig.Config {
	next := *c
	next.Settings = &s
	return &next
}

// Settings change what connections get that are open, and end none of them.
func TestSettingsChangeUnderOpenConnections(t *testing.T) {
	_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("X-Forwarded-For")) })
	onDrivers(t, func(t *testing.T, d Driver) {
		c := to(addr)
		p := start(t, settings{driver: d}, c)
		conn := p.dial()
		one, none := int32(1), int32(0)
		for _, tt := range []struct {
			settings proxyconfig.Settings
			want     string
		}{
			{proxyconfig.Settings{}, "127.0.0.1"},
			{proxyconfig.Settings{TrustedHops: &one}, "203.0.113.9, 127.0.0.1"},
			{proxyconfig.Settings{TrustedHops: &none, Timeouts: &proxyconfig.PhaseTimeouts{RequestHeadMillis: 5000}}, "127.0.0.1"},
		} {
			p.apply(with(c, tt.settings))
			conn.send("GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 203.0.113.9")
			if _, body := conn.response("GET"); body != tt.want {
				t.Errorf("the backend sees %q, want %q", body, tt.want)
			}
		}
	})
}

// The timeouts that bound clients hold once they are set, for connections that were
// open before as for others.
func TestTimeoutsAreSetByReload(t *testing.T) {
	const short = 100
	for name, tt := range map[string]struct {
		set  proxyconfig.PhaseTimeouts
		in   string
		want string
	}{
		"requestHead":     {proxyconfig.PhaseTimeouts{RequestHeadMillis: short}, "GET / HTTP/1.1\r\n", "HTTP/1.1 408 "},
		"requestBodyIdle": {proxyconfig.PhaseTimeouts{RequestBodyIdleMillis: short}, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na", "HTTP/1.1 408 "},
		"keepAlive":       {proxyconfig.PhaseTimeouts{KeepAliveMillis: short}, "", ""},
		"backendIdle":     {proxyconfig.PhaseTimeouts{BackendIdleMillis: short}, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 504 "},
	} {
		t.Run(name, func(t *testing.T) {
			onDrivers(t, func(t *testing.T, d Driver) {
				c := to(hanging(t))
				p := start(t, settings{driver: d}, c)
				conn := p.dial()
				conn.sendRaw(tt.in)
				begin := time.Now()
				p.apply(with(c, proxyconfig.Settings{Timeouts: &tt.set}))
				if got := conn.wantEnd(); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				// The shortest of the defaults is ten seconds.
				if took := time.Since(begin); took > 9*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// A bound that is lowered ends no connection, and is for those that come.
func TestABoundThatIsLoweredEndsNothing(t *testing.T) {
	_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	onDrivers(t, func(t *testing.T, d Driver) {
		p := start(t, settings{driver: d}, to(addr))
		gate := p.set.opts.Gate
		var open []*rawConn
		served := func(c *rawConn) {
			t.Helper()
			c.send("GET / HTTP/1.1", "Host: a")
			if resp, _ := c.response("GET"); resp.StatusCode != 200 {
				t.Errorf("got %d", resp.StatusCode)
			}
		}
		for range 3 {
			open = append(open, p.dial())
			served(open[len(open)-1])
		}
		gate.Bound(1, 0)
		p.wantRefused()
		if got := p.refused(overload.ListenerFull); got != 1 {
			t.Errorf("counted %d", got)
		}
		for _, c := range open {
			served(c)
		}
		gate.Bound(0, 0)
		served(p.dial())
	})
}

// The bound of a port is that of a listener below HTTP, too, unless it has its own.
func TestTheBoundOfAPortIsForTCP(t *testing.T) {
	addr := script(t, func(_ int, c *rawConn) { io.Copy(c, c) })
	p := start(t, settings{connections: overload.Limits{PerListener: 1}}, below(proxyconfig.TCP, "TCPRoute", addr))
	p.set.opts.Gate.Bound(3, 0)
	for n := range 3 {
		c := p.dial()
		c.sendRaw("hello\n")
		if got, err := c.r.ReadString('\n'); err != nil || got != "hello\n" {
			t.Errorf("connection %d: got %q, %v", n, got, err)
		}
	}
	p.wantRefused()
}

// What connects without end has as long as the settings say, below HTTP as well.
func TestConnectingBelowHTTPIsBounded(t *testing.T) {
	// The backend speaks no TLS: the handshake is part of connecting.
	addr := script(t, func(_ int, c *rawConn) { io.Copy(io.Discard, c) })
	c := below(proxyconfig.TCP, "TCPRoute", addr)
	c.Backends[0].TLS = &proxyconfig.BackendTLS{ServerName: "backend", SystemCAs: true}
	c.Settings = &proxyconfig.Settings{Timeouts: &proxyconfig.PhaseTimeouts{BackendConnectMillis: 50}}
	p := start(t, settings{}, c)
	begin := time.Now()
	conn := p.dial()
	if b, err := conn.r.ReadByte(); err == nil {
		t.Errorf("got %q", b)
	}
	// By default it is five seconds.
	if took := time.Since(begin); took < 50*time.Millisecond || took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Requests that run while settings follow each other see each of them whole.
func TestSettingsUnderLoad(t *testing.T) {
	_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	onDrivers(t, func(t *testing.T, d Driver) {
		c := to(addr)
		p := start(t, settings{driver: d, quiet: true}, c)
		stop := load(t, p.url("/"), 4)
		for i := range 40 {
			hops := int32(i % 3)
			p.apply(with(c, proxyconfig.Settings{TrustedHops: &hops, Timeouts: &proxyconfig.PhaseTimeouts{KeepAliveMillis: int64(60_000 + i)}}))
			p.set.opts.Gate.Bound(1000+i, 0)
			if resp, _ := fetch(t, client(t), "GET", p.url("/"), nil); resp.StatusCode != 200 {
				t.Errorf("got %d", resp.StatusCode)
			}
		}
		stop()
	})
}
