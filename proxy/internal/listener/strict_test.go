package listener

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
)

// hostile are requests that two recipients could read in two ways. None may
// reach a backend; each ends its connection.
var hostile = []struct{ name, in string }{
	{"length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"chunks and length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"},
	{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
	{"obscured coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
	{"coding behind a space", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
	{"coding in a folded line", "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"coding twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
	{"bare LF", "GET / HTTP/1.1\nHost: a\n\n"},
	{"bare CR", "GET / HTTP/1.1\r\nHost: a\r\nX: y\rZ: w\r\n\r\n"},
	{"NUL", "GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n"},
	{"no host", "GET / HTTP/1.1\r\n\r\n"},
	{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
	{"other authority", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"space in the target", "GET / / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"out of the root", "GET /../etc HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"bad chunk size with the head", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"},
	{"LF in a chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n"},
	{"LF in an extension", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;\na\r\n0\r\n\r\n"},
	{"long chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"},
	{"connect", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"},
	{"HTTP/2 in the form of HTTP/1", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
	{"HTTP/0.9", "GET /\r\n\r\n"},
	{"too many fields", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: b\r\n", 100) + "\r\n"},
	{"too large", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 32<<10) + "\r\n\r\n"},
}

// What is ambiguous is answered before a backend hears of it, what follows it
// is never looked at, and nothing of the connection is used again.
func TestHostileRequests(t *testing.T) {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	onDrivers(t, func(t *testing.T, d Driver) {
		var reached atomic.Int32
		addr := script(t, func(_ int, c *rawConn) {
			reached.Add(1)
			io.Copy(io.Discard, c.r)
		})
		p := start(t, settings{driver: d}, to(addr))
		for _, tt := range hostile {
			c := p.dial()
			io.WriteString(c, tt.in+smuggled)
			resp, _ := c.response("GET")
			if resp.StatusCode < 400 || resp.StatusCode > 505 || !resp.Close {
				t.Errorf("%s: got %d, close %v", tt.name, resp.StatusCode, resp.Close)
			}
			c.CloseWrite()
			if rest := c.wantEnd(); rest != "" {
				t.Errorf("%s: a second answer: %q", tt.name, rest)
			}
		}
		if n := reached.Load(); n != 0 {
			t.Errorf("%d connections were made to the backend", n)
		}
		for _, r := range p.records.await(t, len(hostile)) {
			if r.Rule != nil && r.Status != 400 {
				t.Errorf("got %+v", r)
			}
		}
	})
}

// A body that turns bad after its head was forwarded takes its connection to
// the backend along.
func TestBodyTurnsBad(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		ended := make(chan string, 1)
		addr := script(t, func(_ int, c *rawConn) {
			b, _ := io.ReadAll(c.r)
			ended <- string(b)
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.sendRaw("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
		eventually(t, func() bool { return p.requests() == 1 })
		c.sendRaw("1\r\nbX0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
		if resp, _ := c.response("POST"); resp.StatusCode != 400 || !resp.Close {
			t.Errorf("got %d, close %v", resp.StatusCode, resp.Close)
		}
		if got := <-ended; strings.Contains(got, "smuggled") || strings.HasSuffix(got, "0\r\n\r\n") {
			t.Errorf("the backend got %q", got)
		}
	})
}

// What reaches a backend is one request in a form of our own, down to the byte.
func TestForwardedBytes(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		got := make(chan string, 1)
		addr := script(t, func(_ int, c *rawConn) {
			var b []byte
			for !strings.HasSuffix(string(b), "0\r\n\r\n") {
				x, err := c.r.ReadByte()
				if err != nil {
					break
				}
				b = append(b, x)
			}
			got <- string(b)
			c.sendRaw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.sendRaw("POST http://A.example:80/%7Ea/./b?c HTTP/1.1\r\nhost: a.EXAMPLE:80\r\nx-REQUEST-id: 1\r\nX-Y:  z \r\n" +
			"Connection: close, x-gone,X-Forwarded-For, Host, Transfer-Encoding\r\nX-Gone: 1\r\nX-Forwarded-For: 1.1.1.1\r\nKeep-Alive: 5\r\n" +
			"TRANSFER-encoding: Chunked\r\nUpgrade: websocket\r\n\r\n003;x=y\r\nabc\r\n00\r\n\r\n")
		c.response("POST")
		want := "POST /~a/b?c HTTP/1.1\r\nHost: a.example:80\r\nX-Y:  z \r\n" +
			"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a.example:80\r\nX-Request-Id: 1\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
		if got := <-got; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		c.wantEnd()
	})
}
