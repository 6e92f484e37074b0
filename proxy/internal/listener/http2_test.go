package listener

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// http2Client speaks HTTP/2 with prior knowledge.
func http2Client(t *testing.T) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestHTTP2(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprintf(w, "%s %s %s %d", r.Proto, r.Method, r.URL, len(body))
			w.Header().Set("X-Sum", r.Trailer.Get("X-In"))
		})
		p := start(t, settings{driver: d}, to(addr))
		client := http2Client(t)
		for _, size := range []int{0, 1, 100_000, 3 << 20} {
			r, _ := http.NewRequest("POST", p.url("/a?b"), io.MultiReader(bytes.NewReader(make([]byte, size))))
			r.Host = "a"
			r.Trailer = http.Header{"X-In": {"7"}}
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if want := fmt.Sprintf("HTTP/1.1 POST /a?b %d", size); err != nil || string(body) != want || resp.ProtoMajor != 2 || resp.Trailer.Get("X-Sum") != "7" {
				t.Errorf("got %d %q %v, trailer %v", resp.ProtoMajor, body, err, resp.Trailer)
			}
		}
		done := p.records.await(t, 4)
		if done[0].Protocol != probe.HTTP2 || done[3].RequestBytes != 3<<20 {
			t.Errorf("got protocol %d, %d bytes", done[0].Protocol, done[3].RequestBytes)
		}
	})
}

// Many streams of one connection, with bodies larger than any window, do not
// hold each other up.
func TestHTTP2Streams(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		page := strings.Repeat("0123456789abcdef", 32<<10)
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, page) })
		p := start(t, settings{driver: d}, to(addr))
		client := http2Client(t)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				r, _ := http.NewRequest("GET", p.url("/"), nil)
				r.Host = "a"
				resp, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				if body, err := io.ReadAll(resp.Body); err != nil || string(body) != page {
					t.Errorf("got %d bytes, %v", len(body), err)
				}
			})
		}
		wg.Wait()
	})
}

func TestHTTP2OwnAnswers(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		c := to("127.0.0.1:1")
		c.Routes[0].Attachments[0].Hostnames = []string{"a"}
		p := start(t, settings{driver: d}, c)
		client := http2Client(t)
		for _, tt := range []struct {
			method, host, kind string
			status             int
			grpc               string
		}{
			{"GET", "a", "", 502, ""},
			{"HEAD", "b", "", 404, ""},
			{"POST", "b", "", 404, ""},
			{"POST", "a", "application/grpc", 200, "14"},
			{"POST", "b", "application/grpc+proto", 200, "12"},
		} {
			r, _ := http.NewRequest(tt.method, p.url("/"), strings.NewReader("body"))
			r.Host = tt.host
			r.Header.Set("Content-Type", tt.kind)
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			if got := resp.Header.Get("Grpc-Status"); resp.StatusCode != tt.status || got != tt.grpc {
				t.Errorf("%s %s: got %d, gRPC status %q", tt.method, tt.host, resp.StatusCode, got)
			}
		}
	})
}

// A connection that has begun with HTTP/1 does not turn to HTTP/2.
func TestHTTP2ComesFirst(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a")
		if resp, _ := c.response("GET"); resp.StatusCode != 200 {
			t.Fatalf("got %d", resp.StatusCode)
		}
		c.sendRaw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
		if resp, _ := c.response("PRI"); resp.StatusCode != 505 {
			t.Errorf("got %d", resp.StatusCode)
		}
		c.wantEnd()
	})
}
