package listener

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
)

// guarded is a configuration whose rule asks "auth" before it serves "b".
func guarded(auth, backend string, filter proxyconfig.ExternalAuth) *proxyconfig.Config {
	c := to(backend)
	c.Backends = append([]proxyconfig.Backend{backendAt("auth", auth)}, c.Backends...)
	if filter.Protocol = proxyconfig.AuthHTTP; filter.Backend == "" {
		filter.Backend = backendID("auth")
	}
	c.Routes[0].Rules[0].Filters = []proxyconfig.Filter{{Type: proxyconfig.FilterExternalAuth, ExternalAuth: &filter}}
	return c
}

// guard makes a configuration that asks "auth" before "b" serves.
type guard func(auth, backend string, filter proxyconfig.ExternalAuth) *proxyconfig.Config

// gated is guarded whose listener asks, before it routes.
func gated(auth, backend string, filter proxyconfig.ExternalAuth) *proxyconfig.Config {
	c := guarded(auth, backend, filter)
	rule := &c.Routes[0].Rules[0]
	c.Listeners[0].Filters, rule.Filters = &proxyconfig.ListenerFilters{Requests: rule.Filters}, nil
	return c
}

// questionOf returns the filter of a guarded or gated configuration.
func questionOf(c *proxyconfig.Config) *proxyconfig.ExternalAuth {
	filters := c.Routes[0].Rules[0].Filters
	if len(filters) == 0 {
		filters = c.Listeners[0].Filters.Requests
	}
	return filters[0].ExternalAuth
}

// onPlaces runs a test on each driver, with the question asked by the rule and by
// the listener.
func onPlaces(t *testing.T, f func(t *testing.T, d Driver, guarded guard)) {
	onDrivers(t, func(t *testing.T, d Driver) {
		t.Run("rule", func(t *testing.T) { f(t, d, guarded) })
		t.Run("listener", func(t *testing.T) { f(t, d, gated) })
	})
}

// counted is a backend that says what it got, and counts the requests.
func counted(t *testing.T) (addr string, served *atomic.Int64) {
	served = new(atomic.Int64)
	_, addr = serve(t, func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s user=%s groups=%s expect=%s body=%s", r.Method, r.URL, strings.Join(r.Header["X-User"], ","),
			r.Header.Get("X-Forwarded-Groups"), r.Header.Get("Expect"), body)
	})
	return addr, served
}

func TestExternalAuthAllows(t *testing.T) {
	onPlaces(t, func(t *testing.T, d Driver, guarded guard) {
		questions := make(chan string, 2)
		_, auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			questions <- fmt.Sprintf("%s %s host=%s authorization=%s cookie=%s other=%s for=%s length=%d body=%s", r.Method, r.URL, r.Host,
				r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("X-Other"), r.Header.Get("X-Forwarded-For"), r.ContentLength, body)
			w.Header().Set("X-User", "alice")
			w.Header().Set("X-Forwarded-Groups", "staff")
			w.Header().Set("X-Forwarded-For", "198.51.100.7")
			w.Header().Set("Connection", "X-Secret")
			io.WriteString(w, "this goes nowhere")
		})
		backend, served := counted(t)
		p := start(t, settings{driver: d}, guarded(auth, backend, proxyconfig.ExternalAuth{PathPrefix: "/check/", RequestHeaders: []string{"Cookie", "X-Forwarded-For"}}))
		for _, c := range []*http.Client{client(t), http2Client(t)} {
			for range 2 {
				r, _ := http.NewRequest("POST", p.url("/a?b=c"), strings.NewReader("payload"))
				r.Host = "shop"
				r.Header.Set("Authorization", "Bearer x")
				r.Header.Set("Cookie", "a=b")
				r.Header.Set("X-Other", "1")
				r.Header.Set("X-User", "mallory")
				r.Header.Set("X-Forwarded-For", "203.0.113.1")
				resp, body := do(t, c, r)
				if want := "POST /a?b=c user=alice groups=staff expect= body=payload"; resp.StatusCode != 200 || body != want {
					t.Fatalf("got %d %q, want %q", resp.StatusCode, body, want)
				}
				want := "POST /check/a?b=c host=shop authorization=Bearer x cookie=a=b other= for=127.0.0.1 length=0 body="
				if got := <-questions; got != want {
					t.Fatalf("the server was asked %q, want %q", got, want)
				}
			}
		}
		if got := served.Load(); got != 4 {
			t.Errorf("the backend served %d requests, want 4", got)
		}
		// A question is no request of a client.
		if done := p.records.await(t, 4); len(done) != 4 || done[0].Status != 200 {
			t.Errorf("%d records, the first of status %d", len(done), done[0].Status)
		}
	})
}

func TestExternalAuthDenies(t *testing.T) {
	onPlaces(t, func(t *testing.T, d Driver, guarded guard) {
		_, auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.Header().Add("Set-Cookie", "a=1")
			w.Header().Add("Set-Cookie", "b=2")
			switch r.URL.Path {
			case "/login":
				w.Header().Set("Location", "https://login.example.com/")
				w.WriteHeader(302)
			case "/quiet":
				w.WriteHeader(204)
			case "/large":
				w.WriteHeader(403)
				w.Write(make([]byte, 1<<20))
			default:
				w.WriteHeader(401)
				if r.Method != "HEAD" {
					io.WriteString(w, "who are you?")
				}
			}
		})
		backend, served := counted(t)
		p := start(t, settings{driver: d}, guarded(auth, backend, proxyconfig.ExternalAuth{}))
		tests := []struct {
			method, path, body string
			status             int
			want               string
		}{
			{"GET", "/", "", 401, "who are you?"},
			{"HEAD", "/", "", 401, ""},
			{"POST", "/", "some", 401, "who are you?"},
			{"GET", "/login", "", 302, ""},
			// The client is not told of a success that it has not had.
			{"GET", "/quiet", "", 403, ""},
			// A body past all bounds is left out.
			{"GET", "/large", "", 403, ""},
			{"GET", "/", "", 401, "who are you?"},
		}
		for _, c := range []*http.Client{client(t), http2Client(t)} {
			c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			for _, test := range tests {
				resp, body := fetch(t, c, test.method, p.url(test.path), strings.NewReader(test.body))
				if resp.StatusCode != test.status || body != test.want {
					t.Errorf("%s %s: got %d %q, want %d %q", test.method, test.path, resp.StatusCode, body, test.status, test.want)
				}
				if resp.Header.Get("WWW-Authenticate") != "Basic" || len(resp.Header["Set-Cookie"]) != 2 {
					t.Errorf("%s %s: got fields %v", test.method, test.path, resp.Header)
				}
			}
		}
		if n := served.Load(); n != 0 {
			t.Errorf("the backend served %d requests", n)
		}
	})
}

// Connections of clients outlive a denial, and pipelined requests are served in
// their order, each by a verdict of its own.
func TestExternalAuthKeepsConnections(t *testing.T) {
	onPlaces(t, func(t *testing.T, d Driver, guarded guard) {
		_, auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/no" {
				w.WriteHeader(403)
			}
		})
		backend, _ := counted(t)
		p := start(t, settings{driver: d}, guarded(auth, backend, proxyconfig.ExternalAuth{}))
		c := p.dial()
		paths := []string{"/yes", "/no", "/yes", "/no", "/no", "/yes"}
		var all strings.Builder
		for _, path := range paths {
			fmt.Fprintf(&all, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
		}
		c.sendRaw(all.String())
		for _, path := range paths {
			resp, body := c.response("GET")
			if allowed := path == "/yes"; allowed != (resp.StatusCode == 200) || allowed != strings.HasPrefix(body, "GET /yes ") {
				t.Fatalf("%s: got %d %q", path, resp.StatusCode, body)
			}
		}
		c.send("GET /yes HTTP/1.1", "Host: a")
		if resp, _ := c.response("GET"); resp.StatusCode != 200 {
			t.Errorf("got %d afterwards", resp.StatusCode)
		}
	})
}

// Nothing passes that nobody has allowed.
func TestExternalAuthFailsClosed(t *testing.T) {
	onPlaces(t, func(t *testing.T, d Driver, guarded guard) {
		backend, served := counted(t)
		hangUp := script(t, func(_ int, c *rawConn) { c.request() })
		tests := []struct {
			name, auth string
			change     func(*proxyconfig.Config)
			status     int
			flags      probe.Flags
		}{
			{"nobody listens", fmt.Sprintf("127.0.0.1:%d", porttest.Free(t)), nil, 502, probe.FlagUpstreamFailed},
			{"no endpoint", "", func(c *proxyconfig.Config) { c.Backends[0].Endpoints = nil }, 503, probe.FlagUpstreamFailed},
			{"hangs up", hangUp, nil, 502, probe.FlagUpstreamFailed},
			{"no HTTP", script(t, func(_ int, c *rawConn) { c.request(); c.sendRaw("220 ready\r\n\r\n") }), nil, 502, probe.FlagUpstreamFailed},
			{"breaks off", script(t, func(_ int, c *rawConn) { c.request(); c.sendRaw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") }), nil, 502, probe.FlagUpstreamFailed},
			{"switches protocols", script(t, func(_ int, c *rawConn) {
				c.request()
				c.sendRaw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			}), nil, 502, probe.FlagUpstreamFailed},
			{"no such backend", "", func(c *proxyconfig.Config) { c.Backends = c.Backends[1:] }, 500, 0},
			{"no backend", "", func(c *proxyconfig.Config) { questionOf(c).Backend = "" }, 500, 0},
			{"gRPC to a backend of HTTP/1.1", hangUp, func(c *proxyconfig.Config) {
				questionOf(c).Protocol = proxyconfig.AuthGRPC
			}, 500, 0},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				if test.auth == "" {
					test.auth = hangUp
				}
				config := guarded(test.auth, backend, proxyconfig.ExternalAuth{})
				if test.change != nil {
					test.change(config)
				}
				p := start(t, settings{driver: d}, config)
				resp, _ := fetch(t, client(t), "GET", p.url("/"), nil)
				if resp.StatusCode != test.status {
					t.Errorf("got %d, want %d", resp.StatusCode, test.status)
				}
				if done := p.records.await(t, 1)[0]; done.Status != test.status || done.Flags&(probe.FlagUpstreamFailed|probe.FlagTimeout) != test.flags {
					t.Errorf("got the record of status %d with flags %b", done.Status, done.Flags)
				}
			})
		}
		if n := served.Load(); n != 0 {
			t.Errorf("the backend served %d requests", n)
		}
	})
}

// The route's timeout counts the time that the server takes, and a client that
// leaves takes the question with it.
func TestExternalAuthTakesTooLong(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		gone := make(chan struct{}, 2)
		asked := make(chan struct{}, 2)
		auth := script(t, func(_ int, c *rawConn) {
			c.request()
			asked <- struct{}{}
			c.r.ReadByte()
			gone <- struct{}{}
		})
		backend, served := counted(t)
		config := guarded(auth, backend, proxyconfig.ExternalAuth{})
		config.Routes[0].Rules = append(config.Routes[0].Rules, config.Routes[0].Rules[0])
		config.Routes[0].Rules[0].Timeouts = &proxyconfig.Timeouts{RequestMillis: 50}
		config.Routes[0].Rules[1].Matches = rule("/patient").Matches
		p := start(t, settings{driver: d}, config)
		if resp, _ := fetch(t, client(t), "GET", p.url("/"), nil); resp.StatusCode != 504 {
			t.Errorf("got %d, want 504", resp.StatusCode)
		}
		<-asked
		<-gone
		c := p.dial()
		c.send("GET /patient HTTP/1.1", "Host: a")
		<-asked
		c.SetLinger(0)
		c.Close()
		<-gone
		done := p.records.await(t, 2)
		if done[0].Flags&probe.FlagTimeout == 0 || done[1].Flags&probe.FlagClientCancel == 0 || served.Load() != 0 {
			t.Errorf("got flags %b and %b, %d requests served", done[0].Flags, done[1].Flags, served.Load())
		}
	})
}

func TestExternalAuthShowsBodies(t *testing.T) {
	onPlaces(t, func(t *testing.T, d Driver, guarded guard) {
		var shown sync.Map
		_, auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			shown.Store(r.URL.Path, fmt.Sprintf("%d %s", r.ContentLength, body))
		})
		backend, served := counted(t)
		p := start(t, settings{driver: d}, guarded(auth, backend, proxyconfig.ExternalAuth{MaxBodyBytes: 100_000}))
		large := strings.Repeat("0123456789", 10_000)
		tests := []struct {
			path, body string
			chunked    bool
			status     int
		}{
			{"/none", "", false, 200},
			{"/small", "abc", false, 200},
			{"/chunked", "abc", true, 200},
			{"/largest", large, false, 200},
			{"/largest-chunked", large, true, 200},
			{"/larger", large + "!", false, 413},
			{"/larger-chunked", large + "!", true, 413},
		}
		for i, c := range []*http.Client{client(t), http2Client(t)} {
			for _, test := range tests {
				path := fmt.Sprint(test.path, i)
				var body io.Reader = strings.NewReader(test.body)
				if test.chunked {
					body = io.MultiReader(body)
				}
				resp, got := fetch(t, c, "POST", p.url(path), body)
				if resp.StatusCode != test.status {
					t.Fatalf("%s: got %d, want %d", path, resp.StatusCode, test.status)
				}
				seen, asked := shown.Load(path)
				if test.status != 200 {
					if asked {
						t.Errorf("%s: the server was asked", path)
					}
					continue
				}
				if want := fmt.Sprintf("%d %s", len(test.body), test.body); seen != want {
					t.Errorf("%s: the server was shown %.60q", path, seen)
				}
				if !strings.HasSuffix(got, "body="+test.body) {
					t.Errorf("%s: the backend got %.60q", path, got)
				}
			}
		}
		if n := served.Load(); n != 10 {
			t.Errorf("the backend served %d requests, want 10", n)
		}
	})
}

// A client that waits to be told to go on is, by the proxy if the body is needed
// for the question, and else by the backend.
func TestExternalAuthContinues(t *testing.T) {
	onPlaces(t, func(t *testing.T, d Driver, guarded guard) {
		_, auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if body, _ := io.ReadAll(r.Body); r.URL.Path == "/no" || string(body) == "bad" {
				w.WriteHeader(403)
			}
		})
		backend, _ := counted(t)
		for _, size := range []int32{0, 100} {
			p := start(t, settings{driver: d}, guarded(auth, backend, proxyconfig.ExternalAuth{MaxBodyBytes: size}))
			c := p.dial()
			c.send("POST /yes HTTP/1.1", "Host: a", "Content-Length: 3", "Expect: 100-continue")
			if resp, _ := c.response("POST"); resp.StatusCode != 100 {
				t.Fatalf("size %d: got %d, want 100", size, resp.StatusCode)
			}
			c.sendRaw("abc")
			want := "body=abc"
			if size > 0 {
				want = "expect= body=abc"
			}
			if resp, body := c.response("POST"); resp.StatusCode != 200 || !strings.HasSuffix(body, want) {
				t.Fatalf("size %d: got %d %q", size, resp.StatusCode, body)
			}
			c.send("POST /no HTTP/1.1", "Host: a", "Content-Length: 3", "Expect: 100-continue")
			resp, _ := c.response("POST")
			if size > 0 {
				c.sendRaw("abc")
				resp, _ = c.response("POST")
			}
			if resp.StatusCode != 403 {
				t.Fatalf("size %d: got %d, want 403", size, resp.StatusCode)
			}
		}
	})
}

// Two clients share the connections to the server and to the backend, and each
// has its own verdict.
func TestExternalAuthKeepsClientsApart(t *testing.T) {
	onPlaces(t, func(t *testing.T, d Driver, guarded guard) {
		_, auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-User", r.Header.Get("Authorization"))
			if r.Header.Get("Authorization") == "mallory" {
				w.WriteHeader(403)
				io.WriteString(w, "mallory")
			}
		})
		backend, _ := counted(t)
		p := start(t, settings{driver: d}, guarded(auth, backend, proxyconfig.ExternalAuth{}))
		var wg sync.WaitGroup
		for i, user := range []string{"alice", "mallory", "bob", "mallory", "carol", "dave"} {
			c := client(t)
			if i%2 == 0 {
				c = http2Client(t)
			}
			wg.Go(func() {
				for range 50 {
					r, _ := http.NewRequest("GET", p.url("/"), nil)
					r.Header.Set("Authorization", user)
					resp, err := c.Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					body, _ := io.ReadAll(resp.Body)
					resp.Body.Close()
					if user == "mallory" {
						if resp.StatusCode != 403 || string(body) != "mallory" {
							t.Errorf("mallory got %d %q", resp.StatusCode, body)
						}
					} else if resp.StatusCode != 200 || !strings.Contains(string(body), "user="+user+" ") {
						t.Errorf("%s got %d %q", user, resp.StatusCode, body)
					}
				}
			})
		}
		wg.Wait()
	})
}

// What a client claims to be is not believed where the rule has a server say it,
// and neither side can say what the proxy alone says.
func TestExternalAuthAllowLists(t *testing.T) {
	onPlaces(t, func(t *testing.T, d Driver, guarded guard) {
		_, auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
			for _, name := range []string{"X-Forged", "Transfer-Encoding", "Connection", "Upgrade"} {
				if v := r.Header.Get(name); v != "" {
					t.Errorf("the server was shown %s: %s", name, v)
				}
			}
			for name, value := range map[string]string{
				"X-Group": "staff", "X-Unlisted": "1", "Content-Type": "text/odd", "Keep-Alive": "timeout=1", "Host": "evil", "Te": "gzip",
				"X-Request-Id": "forged", "X-Forwarded-Proto": "https",
			} {
				w.Header().Set(name, value)
			}
		})
		heads := make(chan http.Header, 1)
		_, backend := serve(t, func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Host", r.Host)
			heads <- r.Header
		})
		p := start(t, settings{driver: d}, guarded(auth, backend, proxyconfig.ExternalAuth{
			RequestHeaders:  []string{"Connection", "Transfer-Encoding", "Upgrade", "Content-Length"},
			ResponseHeaders: []string{"X-User", "X-Group", "Host", "Keep-Alive", "Te", "X-Request-Id", "X-Forwarded-Proto", "Content-Length", "Authorization"},
		}))
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a", "X-User: admin", "X_USER: admin", "X-Group: admin", "Authorization: token", "X-Forged: 1", "Content-Type: text/plain", "X-Request-Id: mine")
		if resp, _ := c.response("GET"); resp.StatusCode != 200 {
			t.Fatalf("got %d", resp.StatusCode)
		}
		got := <-heads
		for name, want := range map[string]string{
			"X-User": "", "X_user": "", "X-Group": "staff", "X-Unlisted": "", "Content-Type": "text/plain", "Keep-Alive": "", "Host": "a", "Te": "",
			// The server has seen it, and let it be.
			"Authorization": "token",
			"X-Request-Id":  "mine", "X-Forwarded-Proto": "http", "X-Forged": "1",
		} {
			if v := strings.Join(got[name], ","); v != want {
				t.Errorf("%s: got %q, want %q", name, v, want)
			}
		}
	})
}

// The filter comes before all others but CORS: what it denies is not redirected,
// and what it sets can be edited.
func TestExternalAuthComesFirst(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		var asked atomic.Int64
		_, auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			if strings.Contains(r.URL.Path, "no") {
				w.WriteHeader(403)
			}
			w.Header().Set("X-User", "alice")
		})
		backend, served := counted(t)
		_, copies := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "no") || r.Header.Get("X-User") == "" {
				t.Errorf("the copy got %s of user %q", r.URL, r.Header.Get("X-User"))
			}
		})
		config := guarded(auth, backend, proxyconfig.ExternalAuth{})
		config.Backends = append(config.Backends, backendAt("copies", copies))
		filter := config.Routes[0].Rules[0].Filters[0]
		config.Routes[0].Rules[0].Filters = []proxyconfig.Filter{
			{Type: proxyconfig.FilterRewrite, Rewrite: &proxyconfig.Rewrite{Path: &proxyconfig.PathRewrite{Type: proxyconfig.ReplacePrefixMatch, Value: "/inner"}}},
			{Type: proxyconfig.FilterRequestHeaders, Headers: &proxyconfig.HeaderEdits{Add: []proxyconfig.Header{{Name: "X-User", Value: "edited"}}}},
			{Type: proxyconfig.FilterMirror, Mirror: &proxyconfig.Mirror{Backend: backendID("copies")}},
			{Type: proxyconfig.FilterCORS, CORS: &proxyconfig.CORS{AllowOrigins: []string{"https://x.org"}}},
			filter,
		}
		redirect := rule("/moved")
		redirect.Filters = []proxyconfig.Filter{{Type: proxyconfig.FilterRedirect, Redirect: &proxyconfig.Redirect{Hostname: "elsewhere", Status: 302}}, filter}
		config.Routes[0].Rules = append(config.Routes[0].Rules, redirect)
		p := start(t, settings{driver: d}, config)
		c := client(t)
		if _, body := fetch(t, c, "GET", p.url("/yes"), nil); !strings.HasPrefix(body, "GET /inner/yes user=alice,edited ") {
			t.Errorf("got %q", body)
		}
		if resp, _ := fetch(t, c, "GET", p.url("/no"), nil); resp.StatusCode != 403 || resp.Header.Get("Vary") != "Origin" {
			t.Errorf("got %d %v", resp.StatusCode, resp.Header)
		}
		if resp, _ := fetch(t, c, "GET", p.url("/moved/yes"), nil); resp.StatusCode != 302 {
			t.Errorf("got %d, want a redirect", resp.StatusCode)
		}
		if resp, _ := fetch(t, c, "POST", p.url("/moved/no"), strings.NewReader("abc")); resp.StatusCode != 403 {
			t.Errorf("got %d, want 403 and no redirect", resp.StatusCode)
		}
		before := asked.Load()
		preflight, _ := http.NewRequest("OPTIONS", p.url("/no"), nil)
		preflight.Header.Set("Origin", "https://x.org")
		preflight.Header.Set("Access-Control-Request-Method", "PUT")
		if resp, _ := do(t, c, preflight); resp.StatusCode != 204 || asked.Load() != before {
			t.Errorf("the preflight got %d, the server was asked %d times", resp.StatusCode, asked.Load()-before)
		}
		if served.Load() != 1 {
			t.Errorf("the backend served %d requests, want 1", served.Load())
		}
	})
}

// A request that waits for its verdict is served to its end while the proxy
// drains.
func TestExternalAuthDrains(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		asked, answer := make(chan struct{}), make(chan struct{})
		_, auth := serve(t, func(http.ResponseWriter, *http.Request) {
			close(asked)
			<-answer
		})
		backend, _ := counted(t)
		p := start(t, settings{driver: d, grace: time.Millisecond}, guarded(auth, backend, proxyconfig.ExternalAuth{}))
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a")
		<-asked
		drained := make(chan error)
		go func() { drained <- p.set.Drain(t.Context()) }()
		eventually(t, p.set.draining.Load)
		close(answer)
		if resp, _ := c.response("GET"); resp.StatusCode != 200 || !resp.Close {
			t.Errorf("got %d, the connection stays: %v", resp.StatusCode, !resp.Close)
		}
		c.Close()
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
}

// An upgrade is asked about as any request is.
func TestExternalAuthOfUpgrades(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/no" {
				w.WriteHeader(403)
			}
			w.Header().Set("X-User", "alice")
		})
		backend := script(t, func(_ int, c *rawConn) {
			r, _ := c.request()
			if r == nil {
				return
			}
			c.send("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: echo", "X-Saw: "+r.Header.Get("X-User"))
			io.Copy(c, c.r)
		})
		p := start(t, settings{driver: d}, guarded(auth, backend, proxyconfig.ExternalAuth{MaxBodyBytes: 10}))
		for path, want := range map[string]int{"/yes": 101, "/no": 403} {
			c := p.dial()
			c.send("GET "+path+" HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: echo")
			resp, _ := c.response("GET")
			if resp.StatusCode != want {
				t.Fatalf("%s: got %d, want %d", path, resp.StatusCode, want)
			}
			if want != 101 {
				continue
			}
			c.sendRaw("ping")
			echo := make([]byte, 4)
			if _, err := io.ReadFull(c.r, echo); err != nil || string(echo) != "ping" || resp.Header.Get("X-Saw") != "alice" {
				t.Errorf("got %q, %v, saw %q", echo, err, resp.Header.Get("X-Saw"))
			}
		}
	})
}
