package listener

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// pattern is n bytes that differ enough to tell a shift.
func pattern(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// Bodies of any size and framing arrive as they were sent.
func TestBodies(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
			if r.URL.Query().Has("length") {
				w.Header().Set("Content-Length", fmt.Sprint(len(b)))
			} else {
				w.(http.Flusher).Flush()
			}
			w.Write(b)
		})
		p := start(t, settings{driver: d}, to(addr))
		cl := client(t)
		for _, n := range []int{0, 1, 1000, 16 << 10, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20} {
			want := pattern(n)
			for _, query := range []string{"?length", ""} {
				for _, chunked := range []bool{false, true} {
					var body io.Reader = bytes.NewReader(want)
					length := fmt.Sprint(n)
					if chunked {
						body, length = io.MultiReader(body), "-1"
					}
					resp, got := fetch(t, cl, "POST", p.url("/"+query), body)
					if chunked && n == 0 {
						// net/http sends no chunks where there is nothing.
						length = resp.Header.Get("X-Length")
					}
					if got != string(want) || resp.Header.Get("X-Length") != length {
						t.Errorf("%d bytes, chunked %v, %q: got %d bytes, request length %s", n, chunked, query, len(got), resp.Header.Get("X-Length"))
					}
				}
			}
		}
	})
}

func TestTrailers(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprintf(w, "request trailer %q spoofed %q TE %q", r.Trailer.Get("X-In"), r.Trailer.Get("X-Forwarded-For"), r.Header.Get("TE"))
			w.(http.Flusher).Flush()
			w.Header().Set("X-Sum", "42")
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.send("POST / HTTP/1.1", "Host: a", "TE: trailers", "Trailer: X-In, X-Forwarded-For", "Transfer-Encoding: chunked", "",
			"3", "abc", "0", "X-In: yes", "X-Forwarded-For: 6.6.6.6")
		resp, body := c.response("POST")
		if want := `request trailer "yes" spoofed "" TE "trailers"`; body != want {
			t.Errorf("got %s, want %s", body, want)
		}
		if got := resp.Trailer.Get("X-Sum"); got != "42" {
			t.Errorf("got response trailer %q", got)
		}
	})
}

// The head alone answers HEAD, 204 and 304, and the connection goes on.
func TestBodilessResponses(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/204":
				w.WriteHeader(204)
			case "/304":
				w.WriteHeader(304)
			default:
				w.Header().Set("Content-Length", "5")
				io.WriteString(w, "hello")
			}
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		for _, tt := range []struct {
			method, path string
			status       int
			length       int64
		}{{"HEAD", "/", 200, 5}, {"GET", "/204", 204, 0}, {"GET", "/304", 304, 0}, {"HEAD", "/none/../", 200, 5}, {"GET", "/", 200, 5}} {
			c.send(tt.method+" "+tt.path+" HTTP/1.1", "Host: a")
			resp, _ := c.response(tt.method)
			if resp.StatusCode != tt.status || max(resp.ContentLength, 0) != tt.length {
				t.Errorf("%s %s: got %d, length %d", tt.method, tt.path, resp.StatusCode, resp.ContentLength)
			}
		}
	})
}

// A response that ends with its connection reaches the client in an order of
// its own: as chunks, or for HTTP/1.0 by the connection's end.
func TestCloseDelimitedResponse(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		addr := script(t, func(_ int, c *rawConn) {
			c.request()
			c.sendRaw("HTTP/1.1 200 OK\r\n\r\nhello ")
			time.Sleep(time.Millisecond)
			c.sendRaw("world")
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		for range 2 {
			c.send("GET / HTTP/1.1", "Host: a")
			resp, body := c.response("GET")
			if body != "hello world" || len(resp.TransferEncoding) != 1 {
				t.Errorf("got %q by %v", body, resp.TransferEncoding)
			}
		}
		c = p.dial()
		c.send("GET / HTTP/1.0", "Connection: keep-alive")
		if got := c.wantEnd(); !strings.HasSuffix(got, "\r\nConnection: close\r\n\r\nhello world") {
			t.Errorf("got %q", got)
		}
	})
}

func TestHTTP10(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/chunked" {
				w.(http.Flusher).Flush()
			}
			fmt.Fprint(w, r.Proto)
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.send("GET / HTTP/1.0", "Connection: keep-alive")
		if resp, body := c.response("GET"); body != "HTTP/1.1" || resp.Header.Get("Connection") != "keep-alive" {
			t.Errorf("got %q, %v", body, resp.Header)
		}
		c.send("GET /chunked HTTP/1.0", "Connection: keep-alive")
		if resp, body := c.response("GET"); body != "HTTP/1.1" || !resp.Close || len(resp.TransferEncoding) != 0 {
			t.Errorf("got %q, close %v, %v", body, resp.Close, resp.TransferEncoding)
		}
		c.wantEnd()
		c = p.dial()
		c.send("GET / HTTP/1.0")
		c.response("GET")
		c.wantEnd()
	})
}

// Large bodies flow both ways at the same time, unchanged and in bounded
// memory, though each side waits for the other.
func TestLargeBodiesInBoundedMemory(t *testing.T) {
	const size = 64 << 20
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			h := sha256.New()
			n, _ := io.Copy(h, r.Body)
			w.Header().Set("X-Got", fmt.Sprintf("%d %x", n, h.Sum(nil)))
			block := pattern(1 << 20)
			for range size >> 20 {
				w.Write(block)
			}
		})
		p := start(t, settings{driver: d}, to(addr))
		block := pattern(1 << 20)
		want := sha256.New()
		var readers []io.Reader
		for range size >> 20 {
			want.Write(block)
			readers = append(readers, bytes.NewReader(block))
		}
		peak := heapPeak(t)
		resp, err := client(t).Post(p.url("/"), "", io.MultiReader(readers...))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got, want := resp.Header.Get("X-Got"), fmt.Sprintf("%d %x", size, want.Sum(nil)); got != want {
			t.Errorf("the backend got %s, want %s", got, want)
		}
		got := sha256.New()
		// A slow reader must not have the response pile up in the proxy.
		time.Sleep(100 * time.Millisecond)
		if n, err := io.Copy(got, resp.Body); n != size || err != nil || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
			t.Errorf("the client got %d bytes, %v", n, err)
		}
		if peak := peak(); peak > 24<<20 {
			t.Errorf("the heap grew by %d MiB", peak>>20)
		}
	})
}

// heapPeak watches the heap until the function that it returns is called,
// which returns by how much it has grown at most.
func heapPeak(t *testing.T) func() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	base, peak := m.HeapAlloc, m.HeapAlloc
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}()
	return func() uint64 {
		close(stop)
		<-stopped
		return peak - base
	}
}
