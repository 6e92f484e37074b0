package listener

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// Requests that are sent ahead are answered one by one, in their order.
func TestPipelining(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s", r.URL.Path, b)
		})
		p := start(t, settings{driver: d}, to(addr))
		const n = 300
		var in strings.Builder
		for i := range n {
			switch i % 3 {
			case 0:
				fmt.Fprintf(&in, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
			case 1:
				fmt.Fprintf(&in, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", i)
			default:
				fmt.Fprintf(&in, "PUT /%d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", i)
			}
		}
		for _, piece := range []int{in.Len(), 7} {
			c := p.dial()
			go func() {
				for b := []byte(in.String()); len(b) > 0; {
					n := min(piece, len(b))
					if _, err := c.Write(b[:n]); err != nil {
						return
					}
					b = b[n:]
				}
			}()
			for i := range n {
				want := fmt.Sprintf("/%d abc", i)
				if i%3 == 0 {
					want = fmt.Sprintf("/%d ", i)
				}
				if _, body := c.response("GET"); body != want {
					t.Fatalf("response %d: got %q, want %q", i, body, want)
				}
			}
		}
	})
}

// Input that is sent ahead of answers that nobody reads is left in the kernel.
func TestPipeliningIsHeldBack(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {})
		c := to(addr)
		c.Routes = nil
		p := start(t, settings{driver: d, quiet: true}, c)
		cl := p.dial()
		cl.SetDeadline(time.Now().Add(500 * time.Millisecond))
		block := bytes.Repeat([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 10000)
		peak := heapPeak(t)
		for sent := 0; ; {
			n, err := cl.Write(block)
			if sent += n; err != nil {
				break
			}
			if sent > 256<<20 {
				t.Fatal("input is taken without end")
			}
		}
		if peak := peak(); peak > 8<<20 {
			t.Errorf("the heap grew by %d MiB", peak>>20)
		}
	})
}

func TestInterimResponses(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a>; rel=preload")
			w.WriteHeader(103)
			b, _ := io.ReadAll(r.Body) // has net/http send 100 if it is expected
			fmt.Fprintf(w, "%s", b)
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.send("POST / HTTP/1.1", "Host: a", "Content-Length: 3", "Expect: 100-continue")
		for _, want := range []int{103, 100} {
			if resp, _ := c.response("POST"); resp.StatusCode != want {
				t.Fatalf("got %d, want %d", resp.StatusCode, want)
			}
		}
		c.sendRaw("abc")
		if resp, body := c.response("POST"); resp.StatusCode != 200 || body != "abc" {
			t.Errorf("got %d %q", resp.StatusCode, body)
		}
		c = p.dial()
		c.send("GET / HTTP/1.0")
		if resp, _ := c.response("GET"); resp.StatusCode != 200 {
			t.Errorf("HTTP/1.0 got %d", resp.StatusCode)
		}
		c = p.dial()
		c.send("GET / HTTP/1.1", "Host: a", "Expect: wonders")
		if resp, _ := c.response("GET"); resp.StatusCode != 417 {
			t.Errorf("unknown expectation: got %d", resp.StatusCode)
		}
		c.wantEnd()
	})
}

// A final response instead of 100, or before the body has ended, reaches the
// client, and neither connection is used again.
func TestEarlyResponse(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		addr := script(t, func(n int, c *rawConn) {
			if _, err := http.ReadRequest(c.r); err == nil {
				c.sendRaw(fmt.Sprintf("HTTP/1.1 403 Forbidden\r\nContent-Length: 1\r\n\r\n%d", n))
			}
			io.Copy(io.Discard, c.r)
		})
		p := start(t, settings{driver: d}, to(addr))
		for i, extra := range []string{"Expect: 100-continue", "X: y"} {
			c := p.dial()
			c.send("POST / HTTP/1.1", "Host: a", "Content-Length: 1000000", extra)
			resp, body := c.response("POST")
			if resp.StatusCode != 403 || !resp.Close || body != fmt.Sprint(i) {
				t.Errorf("got %d, close %v, %q", resp.StatusCode, resp.Close, body)
			}
			// What is still sent must not turn into a reset that takes the
			// response along.
			c.sendRaw(strings.Repeat("x", 1000))
			c.CloseWrite()
			c.wantEnd()
		}
	})
}

func TestUpgrade(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		addr := script(t, func(_ int, c *rawConn) {
			r, _ := c.request()
			if r == nil {
				return
			}
			if r.Header.Get("Upgrade") != "websocket" || !strings.EqualFold(r.Header.Get("Connection"), "upgrade") {
				c.sendRaw("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
				return
			}
			c.sendRaw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nhello ")
			// Echo to the end of the client's side, then some more: half-close.
			io.Copy(c, c.r)
			c.sendRaw("bye")
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.send("GET /chat HTTP/1.1", "Host: a", "Connection: keep-alive, Upgrade", "Upgrade: websocket", "", "early ")
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" || resp.Header.Get("Connection") != "Upgrade" || resp.Header.Get("Sec-WebSocket-Accept") != "x" {
			t.Fatalf("got %d %v", resp.StatusCode, resp.Header)
		}
		data := pattern(1 << 20)
		go func() {
			c.Write(data)
			c.CloseWrite()
		}()
		// The empty line that send ends with is a part of the stream.
		if got, want := c.wantEnd(), "hello early \r\n\r\n"+string(data)+"bye"; got != want {
			t.Errorf("got %d bytes, want %d", len(got), len(want))
		}
		r := p.records.await(t, 1)[0]
		if r.Status != 101 || r.Protocol != probe.WebSocket {
			t.Errorf("got %d %v", r.Status, r.Protocol)
		}
	})
}

// What a client says after the backend has ended its half of a tunnel arrives,
// and its end behind it.
func TestUpgradeOfABackendThatOnlyListens(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		heard := make(chan string, 1)
		addr := script(t, func(_ int, c *rawConn) {
			if r, _ := c.request(); r != nil {
				c.sendRaw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
				c.CloseWrite()
				b, _ := io.ReadAll(c.r)
				heard <- string(b)
			}
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.send("GET /chat HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket")
		if _, err := http.ReadResponse(c.r, nil); err != nil {
			t.Fatal(err)
		}
		c.wantEnd()
		want := string(pattern(8 << 20))
		c.sendRaw(want)
		c.CloseWrite()
		if got := <-heard; got != want {
			t.Errorf("the backend got %d bytes, want %d", len(got), len(want))
		}
	})
}

// Cleartext HTTP/2 is no way around the proxy's eyes, and a protocol that
// nobody asked for none to the client.
func TestUpgradeRefused(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		addr := script(t, func(n int, c *rawConn) {
			r, _ := c.request()
			if r == nil {
				return
			}
			if r.Header.Get("Upgrade") != "" || r.Header.Get("Http2-Settings") != "" {
				t.Errorf("the backend saw %v", r.Header)
			}
			c.sendRaw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
			io.Copy(io.Discard, c.r)
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAA")
		if resp, _ := c.response("GET"); resp.StatusCode != 502 {
			t.Errorf("got %d", resp.StatusCode)
		}
	})
}
