package listener

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
)

// breaks are the phases in which a backend gives up, and what a client is to
// see of it. The second connection to the backend always answers.
var breaks = []struct {
	name   string
	send   string
	reset  bool
	status int // 0: the response is cut off
}{
	{"before the response", "", false, 502},
	{"before the response, by reset", "", true, 502},
	{"within the head", "HTTP/1.1 200 OK\r\nContent-Le", false, 502},
	{"after an interim response", "HTTP/1.1 103 Early Hints\r\n\r\n", false, 502},
	{"bad head", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", false, 502},
	{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n", false, 502},
	{"length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, 502},
	{"head too large", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 40<<10), false, 502},
	{"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", false, 502},
	{"interim responses without end", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100), false, 502},
	{"within a body of known length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", false, 0},
	{"within a body of known length, by reset", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", true, 0},
	{"within chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false, 0},
	{"bad first chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n", false, 502},
	{"size of a chunk that is too long", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000001\r\nh\r\n", false, 502},
	{"bad chunk behind a little one", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX", false, 502},
	{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + strings.Repeat("x", 2000) + "X", false, 0},
	{"within the trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", false, 0},
}

// A backend that breaks off is never taken for one that has ended, and its
// connection carries nothing else.
func TestBackendBreaksOff(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		for _, tt := range breaks {
			t.Run(tt.name, func(t *testing.T) {
				addr := script(t, func(n int, c *rawConn) {
					if r, _ := c.request(); r == nil {
						return
					}
					if n > 0 {
						c.sendRaw("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
						c.request()
						return
					}
					io.WriteString(c, tt.send)
					if tt.reset {
						// Past the proxy's reading, so that it is no part of the head.
						time.Sleep(20 * time.Millisecond)
						c.SetLinger(0)
					}
				})
				p := start(t, settings{driver: d}, to(addr))
				// A POST is not sent twice.
				resp, err := client(t).Post(p.url("/"), "", nil)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
					resp.Body.Close()
				}
				switch {
				case tt.status == 0 && err == nil:
					t.Error("the client took what it got for a whole response")
				case tt.status != 0 && err != nil:
					t.Error(err)
				case tt.status != 0 && resp.StatusCode != tt.status:
					t.Errorf("got %d, want %d", resp.StatusCode, tt.status)
				}
				if r := p.records.await(t, 1)[0]; r.Flags&probe.FlagUpstreamReset == 0 {
					t.Errorf("got flags %b", r.Flags)
				}
				if _, body := fetch(t, client(t), "GET", p.url("/"), nil); body != "fine" {
					t.Errorf("the next request got %q", body)
				}
			})
		}
	})
}

// What a backend sends beyond its response is nobody's response.
func TestBackendSendsTooMuch(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		for _, first := range []string{
			"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfineHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
			"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
		} {
			addr := script(t, func(n int, c *rawConn) {
				for r, _ := c.request(); r != nil; r, _ = c.request() {
					if n == 0 {
						io.WriteString(c, first)
					} else {
						io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
					}
				}
			})
			p := start(t, settings{driver: d}, to(addr))
			c := p.dial()
			for i := range 5 {
				c.send("GET / HTTP/1.1", "Host: a")
				if _, body := c.response("GET"); body != "fine" && (body != "" || i > 0) {
					t.Errorf("request %d got %q", i, body)
				}
			}
		}
	})
}

// A connection that the backend has closed meanwhile costs no request, as long
// as it is safe to send it again.
func TestReusedConnectionIsClosed(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		// Every connection answers one request, and closes at the second one
		// without an answer: the latest moment at which it can.
		addr := script(t, func(n int, c *rawConn) {
			if r, _ := c.request(); r == nil {
				return
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", n%10)
			c.request()
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		for i := range 6 {
			c.send("GET / HTTP/1.1", "Host: a")
			if resp, body := c.response("GET"); resp.StatusCode != 200 || body != fmt.Sprint(i) {
				t.Fatalf("request %d: got %d %q", i, resp.StatusCode, body)
			}
		}
		if r := p.records.await(t, 6)[5]; r.Attempts != 2 || r.Flags&probe.FlagRetried == 0 {
			t.Errorf("got %d attempts, flags %b", r.Attempts, r.Flags)
		}
		c.send("PUT / HTTP/1.1", "Host: a", "Content-Length: 0")
		if resp, _ := c.response("PUT"); resp.StatusCode != 200 {
			t.Errorf("PUT got %d", resp.StatusCode)
		}
		c.send("POST / HTTP/1.1", "Host: a", "Content-Length: 0")
		if resp, _ := c.response("POST"); resp.StatusCode != 502 {
			t.Errorf("POST was sent twice: got %d", resp.StatusCode)
		}
	})
}

// Endpoints that refuse connections cost no request while another one serves.
func TestRefusedConnect(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			w.Write(b)
		})
		none := fmt.Sprintf("127.0.0.1:%d", porttest.Free(t))
		p := start(t, settings{driver: d}, to(none, addr))
		for range 20 {
			if resp, body := fetch(t, client(t), "POST", p.url("/"), strings.NewReader("abc")); resp.StatusCode != 200 || body != "abc" {
				t.Fatalf("got %d %q", resp.StatusCode, body)
			}
		}
	})
}

// A client that goes away takes its request along.
func TestClientGoesAway(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		gone := make(chan struct{}, 10)
		arrived := make(chan struct{}, 10)
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/streaming" {
				w.(http.Flusher).Flush()
			}
			arrived <- struct{}{}
			if r.URL.Path == "/sending" {
				io.Copy(io.Discard, r.Body)
			} else {
				<-r.Context().Done()
			}
			gone <- struct{}{}
		})
		p := start(t, settings{driver: d}, to(addr))
		for _, tt := range []struct{ path, head, body string }{
			{"/waiting", "GET", ""}, {"/streaming", "GET", ""}, {"/sending", "POST", "abc"},
		} {
			c := p.dial()
			c.send(tt.head+" "+tt.path+" HTTP/1.1", "Host: a", fmt.Sprint("Content-Length: ", 2*len(tt.body)))
			c.sendRaw(tt.body)
			<-arrived
			c.SetLinger(0)
			c.Close()
			<-gone
		}
		for _, r := range p.records.await(t, 3) {
			if r.Flags&probe.FlagClientCancel == 0 && r.target != "/sending" {
				t.Errorf("%s: got flags %b", r.target, r.Flags)
			}
		}
		wantAtRest(t, p)
	})
}

// wantAtRest waits until nothing is in progress.
func wantAtRest(t *testing.T, p *proxy) {
	t.Helper()
	eventually(t, func() bool {
		var sum Stats
		for _, s := range p.set.Stats() {
			sum.Connections += s.Connections
			sum.Requests += s.Requests
		}
		return sum == Stats{}
	})
}

// A client that has ended its side still gets the responses to all that it had
// sent before, and nothing for a request that is not whole.
func TestHalfClosedClient(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(20 * time.Millisecond)
			io.Copy(w, r.Body)
			io.WriteString(w, r.URL.Path)
		})
		for _, rest := range []string{"", "GET /d HTTP/1.1\r\nHo"} {
			p := start(t, settings{driver: d}, to(addr))
			c := p.dial()
			c.sendRaw("GET /a HTTP/1.1\r\nHost: a\r\n\r\n" +
				"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n" +
				"GET /c HTTP/1.1\r\nHost: a\r\n\r\n" + rest)
			c.CloseWrite()
			for _, want := range []string{"/a", "body/b", "/c"} {
				if resp, body := c.response("GET"); resp.StatusCode != 200 || body != want {
					t.Errorf("got %d %q, want %q", resp.StatusCode, body, want)
				}
			}
			if left := c.wantEnd(); left != "" {
				t.Errorf("got %q at the end", left)
			}
			wantAtRest(t, p)
		}
	})
}

func TestConnectionsEndWithoutARequest(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		p := start(t, settings{driver: d}, to())
		for _, in := range []string{"", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n"} {
			for _, reset := range []bool{false, true} {
				c := p.dial()
				c.sendRaw(in)
				if reset {
					c.SetLinger(0)
				}
				c.Close()
			}
		}
		wantAtRest(t, p)
	})
}

// Cancelling a request by net/http's client cancels it at the backend.
func TestCancel(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		arrived, gone := make(chan struct{}), make(chan struct{})
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-r.Context().Done()
			close(gone)
		})
		p := start(t, settings{driver: d, limits: exchange.Limits{Leaving: time.Millisecond}}, to(addr))
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", p.url("/"), nil)
		go func() {
			<-arrived
			cancel()
		}()
		if _, err := client(t).Do(req); err == nil {
			t.Error("it was not cancelled")
		}
		<-gone
	})
}
