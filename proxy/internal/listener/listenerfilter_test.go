package listener

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// askFirst has a listener ask servers, in order, before it routes.
func askFirst(l *proxyconfig.Listener, servers ...string) {
	l.Filters = &proxyconfig.ListenerFilters{}
	for _, name := range servers {
		l.Filters.Requests = append(l.Filters.Requests, proxyconfig.Filter{
			Type: proxyconfig.FilterExternalAuth, ExternalAuth: &proxyconfig.ExternalAuth{
				Protocol: proxyconfig.AuthHTTP, Backend: backendID(name), RequestHeaders: []string{"X-Step", "X-Forwarded-Tenant"},
			},
		})
	}
}

// matching is a rule for requests with a value of a header.
func matching(name, value, backend string) proxyconfig.Rule {
	r := rule("/", ref(backend))
	r.Matches[0].Headers = []proxyconfig.ValueMatch{{Type: proxyconfig.ValueExact, Name: name, Value: value}}
	return r
}

// saying answers with a name and what the request says of a header.
func saying(t *testing.T, name, header string) string {
	_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s", name, r.URL, strings.Join(r.Header[header], ","), body)
	})
	return addr
}

// A request is routed once, by what the listener's filters have made of it, and
// not by what its client says.
func TestListenerFiltersComeBeforeRouting(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Forwarded-Tenant", r.Header.Get("Authorization"))
			w.Header().Set("Host", "elsewhere")
		})
		c := &proxyconfig.Config{
			Listeners: []proxyconfig.Listener{{Name: "http", Protocol: proxyconfig.HTTP}, {Name: "else", Protocol: proxyconfig.HTTP, Hostname: "elsewhere"}},
			Routes: []proxyconfig.Route{route("tenants",
				matching("X-Forwarded-Tenant", "alice", "alice"), matching("X-Forwarded-Tenant", "bob", "bob"))},
			Backends: []proxyconfig.Backend{backendAt("alice", saying(t, "alice", "X-Forwarded-Tenant")), backendAt("auth", auth), backendAt("bob", saying(t, "bob", "X-Forwarded-Tenant"))},
		}
		askFirst(&c.Listeners[0], "auth")
		p := start(t, settings{driver: d}, c)
		for _, cl := range []*http.Client{client(t), http2Client(t)} {
			for _, test := range []struct {
				user   string
				status int
				want   string
			}{
				{"alice", 200, "alice /a?b alice payload"},
				{"bob", 200, "bob /a?b bob payload"},
				{"carol", 404, "Not Found\n"},
			} {
				r, _ := http.NewRequest("POST", p.url("/a?b"), strings.NewReader("payload"))
				r.Header.Set("Authorization", test.user)
				r.Header.Set("X-Forwarded-Tenant", "bob")
				resp, body := do(t, cl, r)
				if resp.StatusCode != test.status || body != test.want {
					t.Errorf("%s: got %d %q, want %d %q", test.user, resp.StatusCode, body, test.status, test.want)
				}
			}
		}
	})
}

// Filters run in their order, each on what the one before has left, and the first
// that denies a request is the last that sees it.
func TestListenerFiltersRunInOrder(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		var asked atomic.Int64
		step := func(name string) string {
			_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				w.Header().Set("X-Step", r.Header.Get("X-Step")+name)
				if r.URL.Path == "/"+name {
					w.WriteHeader(403)
					io.WriteString(w, r.Header.Get("X-Step"))
				}
			})
			return addr
		}
		c := to(saying(t, "b", "X-Step"))
		c.Backends = append([]proxyconfig.Backend{backendAt("a1", step("1")), backendAt("a2", step("2")), backendAt("a3", step("3"))}, c.Backends...)
		askFirst(&c.Listeners[0], "a1", "a2", "a3")
		c.Routes[0].Rules[0].Filters = []proxyconfig.Filter{c.Listeners[0].Filters.Requests[0]}
		p := start(t, settings{driver: d}, c)
		for _, cl := range []*http.Client{client(t), http2Client(t)} {
			for _, test := range []struct {
				path   string
				status int
				want   string
				asked  int64
			}{
				// The rule asks the first one once more.
				{"/x", 200, "b /x 01231 body", 4},
				{"/1", 403, "0", 1},
				{"/2", 403, "01", 2},
				{"/3", 403, "012", 3},
			} {
				asked.Store(0)
				r, _ := http.NewRequest("POST", p.url(test.path), io.MultiReader(strings.NewReader("body")))
				r.Header.Set("X-Step", "0")
				resp, body := do(t, cl, r)
				if resp.StatusCode != test.status || body != test.want || asked.Load() != test.asked {
					t.Errorf("%s: got %d %q after %d questions, want %d %q after %d", test.path, resp.StatusCode, body, asked.Load(), test.status, test.want, test.asked)
				}
			}
		}
	})
}

// A body is shown to each that wants it, and refused where one cannot be shown it.
func TestListenerFiltersShareBodies(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		var shown atomic.Int64
		_, auth := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			shown.Add(int64(len(body)))
		})
		backend, _ := counted(t)
		c := to(backend)
		c.Backends = append([]proxyconfig.Backend{backendAt("auth", auth)}, c.Backends...)
		askFirst(&c.Listeners[0], "auth", "auth", "auth")
		for i, size := range []int32{1000, 0, 100} {
			c.Listeners[0].Filters.Requests[i].ExternalAuth.MaxBodyBytes = size
		}
		p := start(t, settings{driver: d}, c)
		for _, cl := range []*http.Client{client(t), http2Client(t)} {
			for size, status := range map[int]int{0: 200, 100: 200, 101: 413, 1001: 413} {
				text := strings.Repeat("x", size)
				resp, body := fetch(t, cl, "POST", p.url("/"), io.MultiReader(strings.NewReader(text)))
				if resp.StatusCode != status || status == 200 && !strings.HasSuffix(body, "body="+text) {
					t.Errorf("%d bytes: got %d %q, want %d", size, resp.StatusCode, body, status)
				}
			}
		}
		if got := shown.Load(); got != 2*(2*100+101) {
			t.Errorf("%d bytes were shown, want %d", got, 2*(2*100+101))
		}
		conn := p.dial()
		conn.send("POST / HTTP/1.1", "Host: a", "Content-Length: 3", "Expect: 100-continue")
		if resp, _ := conn.response("POST"); resp.StatusCode != 100 {
			t.Fatalf("got %d, want 100", resp.StatusCode)
		}
		conn.sendRaw("abc")
		if resp, body := conn.response("POST"); resp.StatusCode != 200 || !strings.HasSuffix(body, "expect= body=abc") {
			t.Errorf("got %d %q", resp.StatusCode, body)
		}
	})
}

// A server is not shown a body that came before its turn either, when that is too
// long for it, though its end has yet to come.
func TestListenerFiltersBoundBodiesThatCameBefore(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		asked := make(chan int, 8)
		_, auth := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			asked <- len(body)
		})
		backend, served := counted(t)
		c := to(backend)
		c.Backends = append([]proxyconfig.Backend{backendAt("auth", auth)}, c.Backends...)
		askFirst(&c.Listeners[0], "auth", "auth")
		c.Listeners[0].Filters.Requests[1].ExternalAuth.MaxBodyBytes = 100
		p := start(t, settings{driver: d}, c)
		for size, status := range map[int]int{100: 200, 101: 413} {
			conn := p.dial()
			conn.sendRaw(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", size, strings.Repeat("x", size)))
			if got := <-asked; got != 0 {
				t.Errorf("%d bytes: the first server was shown %d", size, got)
			}
			conn.sendRaw("0\r\n\r\n")
			if resp, _ := conn.response("POST"); resp.StatusCode != status {
				t.Errorf("%d bytes: got %d, want %d", size, resp.StatusCode, status)
			}
			if status != 200 {
				continue
			}
			if got := <-asked; got != size {
				t.Errorf("%d bytes: the second server was shown %d", size, got)
			}
		}
		if len(asked) != 0 || served.Load() != 1 {
			t.Errorf("asked %d times more, and the backend served %d requests", len(asked), served.Load())
		}
	})
}

// Filters are of one listener alone. Where they cannot run, that one answers 500,
// and its requests are not those of the next best one.
func TestListenerFiltersAreOfOneListener(t *testing.T) {
	auth := proxyconfig.Filter{Type: proxyconfig.FilterExternalAuth, ExternalAuth: &proxyconfig.ExternalAuth{Protocol: proxyconfig.AuthHTTP, Backend: backendID("auth")}}
	onDrivers(t, func(t *testing.T, d Driver) {
		_, deny := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })
		for _, test := range []struct {
			name    string
			filters proxyconfig.ListenerFilters
			want    int
		}{
			{"denied", proxyconfig.ListenerFilters{Requests: []proxyconfig.Filter{auth}}, 401},
			{"not translated", proxyconfig.ListenerFilters{Requests: []proxyconfig.Filter{auth}, Invalid: "because"}, 500},
			{"of an unknown type", proxyconfig.ListenerFilters{Requests: []proxyconfig.Filter{auth, {Type: "Wish"}}}, 500},
			{"of another type", proxyconfig.ListenerFilters{Requests: []proxyconfig.Filter{{Type: proxyconfig.FilterRequestHeaders, Headers: &proxyconfig.HeaderEdits{}}}}, 500},
			{"none", proxyconfig.ListenerFilters{}, 200},
		} {
			t.Run(test.name, func(t *testing.T) {
				backend, served := counted(t)
				c := to(backend)
				c.Backends = append([]proxyconfig.Backend{backendAt("auth", deny)}, c.Backends...)
				c.Listeners = append(c.Listeners, proxyconfig.Listener{Name: "closed", Protocol: proxyconfig.HTTP, Hostname: "*.example.com", Filters: &test.filters})
				c.Routes[0].Attachments = append(c.Routes[0].Attachments, proxyconfig.Attachment{Listener: "closed", Hostnames: []string{"*.example.com"}})
				p := start(t, settings{driver: d}, c)
				for host, want := range map[string]int{"a.example.com": test.want, "example.com": 200} {
					r, _ := http.NewRequest("GET", p.url("/"), nil)
					r.Host = host
					if resp, _ := do(t, client(t), r); resp.StatusCode != want {
						t.Errorf("%s: got %d, want %d", host, resp.StatusCode, want)
					}
				}
				want := int64(1)
				if test.want == 200 {
					want = 2
				}
				if got := served.Load(); got != want {
					t.Errorf("the backend served %d requests, want %d", got, want)
				}
			})
		}
	})
}

// A request that wants to switch protocols is asked about like any other.
func TestListenerFiltersLetTunnelsPass(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				w.WriteHeader(401)
			}
		})
		backend := script(t, func(_ int, c *rawConn) {
			c.request()
			c.sendRaw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			line, _ := c.r.ReadString('\n')
			c.sendRaw(line)
		})
		c := to(backend)
		c.Backends = append([]proxyconfig.Backend{backendAt("auth", auth)}, c.Backends...)
		askFirst(&c.Listeners[0], "auth")
		p := start(t, settings{driver: d}, c)
		conn := p.dial()
		conn.send("GET / HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: echo")
		if resp, _ := conn.response("GET"); resp.StatusCode != 401 {
			t.Fatalf("got %d, want 401", resp.StatusCode)
		}
		conn.send("GET / HTTP/1.1", "Host: a", "Authorization: x", "Connection: Upgrade", "Upgrade: echo")
		if resp, _ := conn.response("GET"); resp.StatusCode != 101 {
			t.Fatalf("got %d, want 101", resp.StatusCode)
		}
		conn.sendRaw("hello\n")
		if line, err := conn.r.ReadString('\n'); line != "hello\n" {
			t.Errorf("got %q, %v", line, err)
		}
	})
}

// What the filters answer is told with the listener, and of no route.
func TestListenerFiltersAreReported(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, deny := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/no" {
				w.WriteHeader(401)
			}
		})
		c := to()
		c.Routes = nil
		c.Backends = []proxyconfig.Backend{backendAt("auth", deny)}
		askFirst(&c.Listeners[0], "auth")
		p := start(t, settings{driver: d}, c)
		conn := p.dial()
		for path, want := range map[string]int{"/no": 401, "/yes": 404} {
			conn.send("GET "+path+" HTTP/1.1", "Host: a", "X-Request-Id: "+path[1:])
			if resp, _ := conn.response("GET"); resp.StatusCode != want {
				t.Errorf("%s: got %d, want %d", path, resp.StatusCode, want)
			}
		}
		for _, done := range p.records.await(t, 2) {
			if want := done.target == "/no"; want != (done.Rule != nil) || "/"+done.id != done.target {
				t.Errorf("%s: got the rule %v and the identifier %q", done.target, done.Rule, done.id)
			}
			if done.Rule != nil && (done.Rule.Listener.Name != "http" || done.Rule.Series == 0 || done.Rule.Route.Name != "") {
				t.Errorf("got the rule %+v", done.Rule)
			}
		}
	})
}
