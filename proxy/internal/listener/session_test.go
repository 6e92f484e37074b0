package listener

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// named starts n backends that say their numbers, and what they got of the
// session.
func named(t *testing.T, n int) []string {
	var addrs []string
	for i := range n {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Session", "the backend's own")
			http.SetCookie(w, &http.Cookie{Name: "app", Value: "1"})
			fmt.Fprint(w, i)
		})
		addrs = append(addrs, addr)
	}
	return addrs
}

// persistent has the references of all rules keep sessions.
func persistent(c *proxyconfig.Config, s proxyconfig.Session) *proxyconfig.Config {
	for i := range c.Routes {
		for j := range c.Routes[i].Rules {
			for k := range c.Routes[i].Rules[j].Backends {
				c.Routes[i].Rules[j].Backends[k].Session = &s
			}
		}
	}
	return c
}

var byCookie = proxyconfig.Session{Type: proxyconfig.SessionCookie, Name: "s"}

// ask sends a request with fields "Name: value" and returns the cookie "s" that
// the response sets, or nil, and who answered.
func ask(t *testing.T, cl *http.Client, url string, fields ...string) (*http.Cookie, string) {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	resp, body := do(t, cl, req)
	if resp.StatusCode != 200 {
		t.Fatalf("got %d %q", resp.StatusCode, body)
	}
	for _, c := range resp.Cookies() {
		if c.Name == "s" {
			return c, body
		}
	}
	return nil, body
}

func TestSessionByCookie(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		addrs := named(t, 3)
		// Two replicas, that know nothing of each other.
		p := start(t, settings{driver: d}, persistent(to(addrs...), byCookie))
		q := start(t, settings{driver: d}, persistent(to(addrs...), byCookie))
		for name, cl := range map[string]*http.Client{"HTTP/1.1": client(t), "HTTP/2": http2Client(t)} {
			given, home := ask(t, cl, p.url("/"))
			if given == nil || !given.HttpOnly || given.Secure || given.SameSite != http.SameSiteStrictMode || given.Path != "/" || given.MaxAge != 0 || !given.Expires.IsZero() {
				t.Fatalf("%s: got cookie %v", name, given)
			}
			for i := range 12 {
				to := p
				if i%2 == 1 {
					to = q
				}
				again, at := ask(t, cl, to.url("/"), "Cookie: x=y", "Cookie: s="+given.Value)
				if at != home || again != nil {
					t.Errorf("%s: request %d went to %s and not to %s, cookie %v", name, i, at, home, again)
				}
			}
			seen := map[string]bool{}
			for range 12 {
				_, at := ask(t, cl, p.url("/"))
				seen[at] = true
			}
			if len(seen) != 3 {
				t.Errorf("%s: requests without a session went to %v", name, seen)
			}
		}
	})
}

func TestSessionMovesWhenItsEndpointLeaves(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		addrs := named(t, 2)
		p := start(t, settings{driver: d}, persistent(to(addrs...), byCookie))
		cl := client(t)
		given, home := ask(t, cl, p.url("/"))
		left := addrs[1:]
		if home == "1" {
			left = addrs[:1]
		}
		p.apply(persistent(to(left...), byCookie))
		moved, at := ask(t, cl, p.url("/"), "Cookie: s="+given.Value)
		if at == home || moved == nil {
			t.Fatalf("got %s, cookie %v", at, moved)
		}
		// The endpoint that comes back has lost the session.
		p.apply(persistent(to(addrs...), byCookie))
		for range 4 {
			if again, stays := ask(t, cl, p.url("/"), "Cookie: s="+moved.Value); stays != at || again != nil {
				t.Errorf("got %s, cookie %v; want %s", stays, again, at)
			}
		}
	})
}

// The weights decide before the session, which has an endpoint at each backend.
func TestSessionsLeaveTheWeightsAlone(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		a, b := named(t, 3), named(t, 3)
		c := to()
		c.Backends = []proxyconfig.Backend{backendAt("a", a...), backendAt("b", b...)}
		refs := []proxyconfig.BackendRef{ref("a"), ref("b")}
		refs[0].Weight, refs[1].Weight = 3, 1
		for i := range refs {
			refs[i].Filters = []proxyconfig.Filter{{Type: proxyconfig.FilterResponseHeaders, Headers: &proxyconfig.HeaderEdits{
				Set: []proxyconfig.Header{{Name: "X-Backend", Value: refs[i].Backend}},
			}}}
		}
		c.Routes = []proxyconfig.Route{route("r", rule("/", refs...))}
		p := start(t, settings{driver: d}, persistent(c, byCookie))
		cl := client(t)
		var cookie string
		count, homes, given := map[string]int{}, map[string]map[string]bool{}, 0
		for range 40 {
			req, _ := http.NewRequest("GET", p.url("/"), nil)
			req.Header.Set("Cookie", "s="+cookie)
			resp, at := do(t, cl, req)
			backend := resp.Header.Get("X-Backend")
			count[backend]++
			if homes[backend] == nil {
				homes[backend] = map[string]bool{}
			}
			homes[backend][at] = true
			for _, c := range resp.Cookies() {
				if c.Name == "s" {
					cookie = c.Value
					given++
				}
			}
		}
		if n := count[backendID("a")]; n < 28 || n > 32 {
			t.Errorf("of 40 requests %d went to the backend of weight 3 in 4", n)
		}
		if len(homes[backendID("a")]) != 1 || len(homes[backendID("b")]) != 1 || given != 2 {
			t.Errorf("endpoints %v, %d cookies; want one of each backend", homes, given)
		}
	})
}

func TestSessionByHeader(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		p := start(t, settings{driver: d}, persistent(to(named(t, 3)...), proxyconfig.Session{Type: proxyconfig.SessionHeader, Name: "X-Session"}))
		cl := client(t)
		resp, home := fetch(t, cl, "GET", p.url("/"), nil)
		token := resp.Header["X-Session"]
		if len(token) != 1 || token[0] == "the backend's own" || len(resp.Header["Set-Cookie"]) != 1 {
			t.Fatalf("got fields %v", resp.Header)
		}
		for range 6 {
			req, _ := http.NewRequest("GET", p.url("/"), nil)
			req.Header.Set("x-session", token[0])
			resp, at := do(t, cl, req)
			if at != home || resp.Header["X-Session"] != nil {
				t.Errorf("got %s and %q, want %s", at, resp.Header["X-Session"], home)
			}
		}
	})
}

// What somebody made up, or was given for another route, leads nowhere.
func TestForeignSessionsLeadNowhere(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		c := to(named(t, 3)...)
		c.Routes = []proxyconfig.Route{route("mine", rule("/mine", ref("b"))), route("yours", rule("/yours", ref("b")))}
		p := start(t, settings{driver: d}, persistent(c, byCookie))
		cl := client(t)
		given, _ := ask(t, cl, p.url("/mine"))
		for name, value := range map[string]string{
			"another route's": given.Value, "an address": addrsValue, "nothing": "", "too much": strings.Repeat(given.Value+".", 100),
		} {
			again, _ := ask(t, cl, p.url("/yours"), "Cookie: s="+value)
			switch {
			case again == nil:
				t.Errorf("%s: it was taken for a session", name)
			case strings.Contains(again.Value, addrsValue):
				t.Errorf("%s: the answer repeats what is no token", name)
			case strings.Count(again.Value, ".") > 7:
				t.Errorf("%s: the answer has more than eight tokens", name)
			}
		}
	})
}

// Routes that give their sessions one name leave each other's tokens alone: a
// client that goes to and fro stays at home on both.
func TestSessionsOfOneName(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		c := to(named(t, 3)...)
		c.Routes = []proxyconfig.Route{route("mine", rule("/mine", ref("b"))), route("yours", rule("/yours", ref("b")))}
		p := start(t, settings{driver: d}, persistent(c, byCookie))
		cl := client(t)
		mine, home := ask(t, cl, p.url("/mine"))
		both, away := ask(t, cl, p.url("/yours"), "Cookie: s="+mine.Value)
		for range 6 {
			if again, at := ask(t, cl, p.url("/mine"), "Cookie: s="+both.Value); again != nil || at != home {
				t.Errorf("got %s and %v, want %s", at, again, home)
			}
			if again, at := ask(t, cl, p.url("/yours"), "Cookie: s="+both.Value); again != nil || at != away {
				t.Errorf("got %s and %v, want %s", at, again, away)
			}
		}
	})
}

const addrsValue = "127.0.0.1:80"

func TestSessionsEnd(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		s := byCookie
		s.TimeoutMillis = 300
		p := start(t, settings{driver: d}, persistent(to(named(t, 2)...), s))
		cl := client(t)
		given, _ := ask(t, cl, p.url("/"))
		if given.MaxAge != 0 {
			t.Errorf("a session's cookie has a Max-Age of %d", given.MaxAge)
		}
		eventually(t, func() bool {
			again, _ := ask(t, cl, p.url("/"), "Cookie: s="+given.Value)
			return again != nil
		})
		s.TimeoutMillis, s.Permanent, s.Path = 90_500, true, "/shop"
		p.apply(persistent(to(named(t, 2)...), s))
		if given, _ = ask(t, cl, p.url("/")); given == nil || given.MaxAge != 91 || given.Path != "/shop" {
			t.Errorf("got cookie %v", given)
		}
	})
}

func TestSessionsOverTLSAreSecure(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		pair := newPairs(t, "a.example")
		c := persistent(to(named(t, 2)...), byCookie)
		c.Listeners[0].Protocol, c.Listeners[0].Certificates = proxyconfig.HTTPS, pair.refs("a.example")
		p := start(t, settings{driver: d, certificates: pair}, c)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pair["a.example"].Certificate)
		for _, protocol := range []string{"http/1.1", "h2"} {
			transport := &http.Transport{
				ForceAttemptHTTP2: protocol == "h2",
				TLSClientConfig:   &tls.Config{RootCAs: pool, ServerName: "a.example", NextProtos: []string{protocol}},
			}
			t.Cleanup(transport.CloseIdleConnections)
			req, _ := http.NewRequest("GET", "https://"+p.addr(), nil)
			req.Host = "a.example"
			resp, _ := do(t, &http.Client{Transport: transport}, req)
			if got := strings.Join(resp.Header["Set-Cookie"], " | "); !strings.HasSuffix(got, "; HttpOnly; SameSite=Strict; Secure") {
				t.Errorf("%s: got %s", protocol, got)
			}
		}
	})
}

func TestSessionsOfWebSockets(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		addr := script(t, func(_ int, c *rawConn) {
			if r, _ := c.request(); r != nil {
				c.sendRaw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
				io.Copy(io.Discard, c)
			}
		})
		p := start(t, settings{driver: d}, persistent(to(addr), byCookie))
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket")
		resp, _ := c.response("GET")
		if got := resp.Header.Get("Set-Cookie"); resp.StatusCode != 101 || !strings.HasPrefix(got, "s=") {
			t.Errorf("got %d, cookie %q", resp.StatusCode, got)
		}
	})
}

// Sessions of a backend are the same for all routes that lead to it.
func TestSharedSessions(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		c := to(named(t, 3)...)
		c.Routes = []proxyconfig.Route{route("mine", rule("/mine", ref("b"))), route("yours", rule("/yours", ref("b")))}
		s := byCookie
		s.Shared = true
		p := start(t, settings{driver: d}, persistent(c, s))
		cl := client(t)
		given, home := ask(t, cl, p.url("/mine"))
		for range 4 {
			if again, at := ask(t, cl, p.url("/yours"), "Cookie: s="+given.Value); again != nil || at != home {
				t.Errorf("got %s, cookie %v; want %s", at, again, home)
			}
		}
	})
}
