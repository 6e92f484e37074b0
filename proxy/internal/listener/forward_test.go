package listener

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
)

func TestForward(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Seen", fmt.Sprintf("%s %s %s %s", r.Method, r.Host, r.RequestURI, r.Proto))
			w.Header().Set("X-Forwarded-Seen", r.Header.Get("X-Forwarded-For")+" "+r.Header.Get("X-Forwarded-Proto")+" "+r.Header.Get("X-Forwarded-Host"))
			w.Header().Set("X-Id-Seen", r.Header.Get("X-Request-Id"))
			w.Header().Set("X-Spoof-Seen", r.Header.Get("X-Real-Ip")+r.Header.Get("Forwarded")+r.Header.Get("X_Forwarded_For"))
			w.Header().Set("Keep-Alive", "timeout=3")
			fmt.Fprintf(w, "got %q", b)
		})
		p := start(t, settings{driver: d}, to(addr))
		req, _ := http.NewRequest("POST", p.url("/a/%7eb?c=d"), strings.NewReader("hello"))
		req.Host = "Example.com:99"
		req.Header.Set("X-Forwarded-For", "6.6.6.6")
		req.Header.Set("X-Real-IP", "6.6.6.6")
		req.Header.Set("Forwarded", "for=6.6.6.6")
		req.Header["X_Forwarded_For"] = []string{"6.6.6.6"}
		req.Header.Set("X-Request-Id", "mine")
		req.Header.Set("User-Agent", "agent")
		resp, body := do(t, client(t), req)
		for name, want := range map[string]string{
			"X-Seen":           "POST example.com:99 /a/~b?c=d HTTP/1.1",
			"X-Forwarded-Seen": "127.0.0.1 http example.com:99",
			"X-Id-Seen":        "mine",
			"X-Spoof-Seen":     "",
			"Keep-Alive":       "",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		if resp.StatusCode != 200 || body != `got "hello"` {
			t.Errorf("got %d %q", resp.StatusCode, body)
		}
		r := p.records.await(t, 1)[0]
		got := []any{r.Status, r.method, r.host, r.target, r.id, r.RequestBytes, r.ResponseBytes, r.Attempts, r.Rule.Route.Name}
		want := []any{200, "POST", "example.com", "/a/~b?c=d", "mine", uint64(5), uint64(11), uint8(1), "all"}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if r.Duration <= 0 || r.Upstream <= 0 || r.Start.IsZero() || !r.Client.IsValid() || r.Endpoint.Addr.String() != addr {
			t.Errorf("got %+v", r)
		}
	})
}

// Requests of one connection share a connection to the backend.
func TestKeepAlive(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		addr := script(t, func(n int, c *rawConn) {
			for i := 0; ; i++ {
				r, _ := c.request()
				if r == nil {
					return
				}
				c.sendRaw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n%d.%d", n, i))
			}
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		for i := range 5 {
			c.send("GET / HTTP/1.1", "Host: a")
			if _, body := c.response("GET"); body != fmt.Sprintf("0.%d", i) {
				t.Errorf("request %d: got %q", i, body)
			}
		}
	})
}

func TestLocalAnswers(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
		c := to(addr)
		c.Routes = []proxyconfig.Route{route("r",
			rule("/ok", ref("b")),
			rule("/none"),
			proxyconfig.Rule{Matches: rule("/invalid").Matches, Invalid: "so it is"},
			rule("/empty", ref("empty")),
			rule("/refused", ref("refused")),
			proxyconfig.Rule{Matches: rule("/go").Matches, Filters: []proxyconfig.Filter{{
				Type:     proxyconfig.FilterRedirect,
				Redirect: &proxyconfig.Redirect{Scheme: "https", Path: &proxyconfig.PathRewrite{Type: proxyconfig.ReplacePrefixMatch, Value: "/gone"}, Status: 302},
			}}},
		)}
		c.Backends = append(c.Backends, backendAt("empty"), backendAt("refused", fmt.Sprintf("127.0.0.1:%d", porttest.Free(t))))
		p := start(t, settings{driver: d}, c)
		cl := client(t)
		for _, tt := range []struct {
			path   string
			status int
		}{
			{"/", 404}, {"/ok", 200}, {"/none", 500}, {"/invalid", 500}, {"/empty", 503}, {"/refused", 502}, {"/go/x?y", 302},
		} {
			for _, method := range []string{"GET", "HEAD", "POST"} {
				var body io.Reader
				if method == "POST" {
					body = strings.NewReader("some")
				}
				resp, _ := fetch(t, cl, method, p.url(tt.path), body)
				if resp.StatusCode != tt.status {
					t.Errorf("%s %s: got %d, want %d", method, tt.path, resp.StatusCode, tt.status)
				}
				if tt.status == 302 && resp.Header.Get("Location") != "https://127.0.0.1/gone/x?y" {
					t.Errorf("redirected to %q", resp.Header.Get("Location"))
				}
			}
		}
	})
}
