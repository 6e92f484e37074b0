package listener

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// passSizes are lengths of bodies around those at which something changes.
var passSizes = []int{0, 1, 4 << 10, 64<<10 - 1, 64 << 10, 64<<10 + 1, 100 << 10, 128 << 10, 256<<10 - 1, 300 << 10, 1 << 20, 3<<20 + 7}

// longest is the pattern that bodies are the beginning of.
var longest = sync.OnceValue(func() []byte { return pattern(4 << 20) })

func bodyOf(n int) []byte { return longest()[:n] }

// pieces writes b in pieces of odd sizes.
func pieces(w io.Writer, b []byte) error {
	r := rand.New(rand.NewPCG(3, uint64(len(b))))
	for len(b) > 0 {
		n := min(1+r.IntN(1<<r.IntN(19)), len(b))
		if _, err := w.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func sum(b []byte) string { return fmt.Sprintf("%d %x", len(b), sha256.Sum256(b)) }

// summing is a backend that answers a request by the sum of its body, and by
// a body of the length that the query asks for, in pieces.
func summing(t testing.TB, conns *atomic.Int32) string {
	return script(t, func(_ int, c *rawConn) {
		conns.Add(1)
		for r, body := c.request(); r != nil; r, body = c.request() {
			var n int
			fmt.Sscan(r.URL.RawQuery, &n)
			head := fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Sum: %s\r\nContent-Length: %d\r\n\r\n", sum([]byte(body)), n)
			if pieces(c, append([]byte(head), bodyOf(n)...)) != nil {
				return
			}
		}
	})
}

func uploadOf(n, answer int) []byte {
	return append(fmt.Appendf(nil, "POST /?%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", answer, n), bodyOf(n)...)
}

// wantSums reads a response of n bytes to a request of m.
func (c *rawConn) wantSums(m, n int) {
	c.t.Helper()
	resp, body := c.response("POST")
	if got, want := resp.Header.Get("X-Sum"), sum(bodyOf(m)); got != want {
		c.t.Errorf("%d bytes: the backend got %s, want %s", m, got, want)
	}
	if got, want := sum([]byte(body)), sum(bodyOf(n)); got != want {
		c.t.Errorf("%d bytes: the client got %s, want %s", n, got, want)
	}
}

// Bodies of all lengths go both ways as they are, over connections that are used
// again, and are counted to the byte.
func TestBodiesInPieces(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		var conns atomic.Int32
		p := start(t, settings{driver: d}, to(summing(t, &conns)))
		c := p.dial()
		c.SetDeadline(time.Now().Add(2 * time.Minute))
		for i, n := range passSizes {
			m := passSizes[len(passSizes)-1-i]
			if err := pieces(c, uploadOf(m, n)); err != nil {
				t.Fatal(err)
			}
			c.wantSums(m, n)
			if r := p.records.await(t, i+1)[i]; r.RequestBytes != uint64(m) || r.ResponseBytes != uint64(n) || r.Status != 200 {
				t.Errorf("got a record of %d and %d bytes, want %d and %d", r.RequestBytes, r.ResponseBytes, m, n)
			}
		}
		if got := conns.Load(); got != 1 {
			t.Errorf("got %d connections to the backend, want 1", got)
		}
	})
}

// What follows an upload at once is the next request, none of the upload.
func TestRequestsBehindUploads(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		var conns atomic.Int32
		p := start(t, settings{driver: d}, to(summing(t, &conns)))
		c := p.dial()
		c.SetDeadline(time.Now().Add(2 * time.Minute))
		go func() {
			var all []byte
			for _, n := range passSizes {
				all = append(all, uploadOf(n, 10)...)
			}
			_, _ = c.Write(all)
		}()
		for _, n := range passSizes {
			c.wantSums(n, 10)
		}
	})
}

// A slow reader holds up the backend, and still gets all.
func TestSlowReader(t *testing.T) {
	// Twice what the kernel's buffers may take where tcp_rmem allows 32 MiB.
	const size = 128 << 20
	onDrivers(t, func(t *testing.T, d Driver) {
		var sent atomic.Int64
		block := pattern(1 << 20)
		addr := script(t, func(_ int, c *rawConn) {
			c.request()
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
			for range size / len(block) {
				if _, err := c.Write(block); err != nil {
					return
				}
				sent.Add(int64(len(block)))
			}
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.SetReadBuffer(256 << 10)
		c.send("GET / HTTP/1.1", "Host: a")
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		for last := int64(-1); sent.Load() > last; time.Sleep(200 * time.Millisecond) {
			last = sent.Load()
		}
		if got := sent.Load(); got > size/2 {
			t.Errorf("the backend could send %d MiB that nobody reads", got>>20)
		}
		want, got := sha256.New(), sha256.New()
		for range size / len(block) {
			want.Write(block)
		}
		if n, err := io.Copy(got, resp.Body); n != size || err != nil || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
			t.Errorf("got %d bytes, %v", n, err)
		}
	})
}

// A backend that breaks off in a large body is not taken for one that has ended.
func TestBackendBreaksOffLargeBody(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		for _, reset := range []bool{false, true} {
			addr := script(t, func(_ int, c *rawConn) {
				c.request()
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 1<<20, pattern(1<<20-1))
				if reset {
					// Past the proxy's reading, which may lose the rest.
					time.Sleep(20 * time.Millisecond)
					c.SetLinger(0)
				}
			})
			p := start(t, settings{driver: d}, to(addr))
			c := p.dial()
			c.send("GET / HTTP/1.1", "Host: a")
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err == nil || !strings.Contains(err.Error(), "reset") {
				t.Errorf("reset %v: the body ended with %v, want a reset", reset, err)
			}
			if r := p.records.await(t, 1)[0]; r.Flags&probe.FlagUpstreamReset == 0 {
				t.Errorf("reset %v: got flags %b", reset, r.Flags)
			}
			wantAtRest(t, p)
		}
	})
}

// A client that leaves within a large body, of whichever side, takes its
// exchange along.
func TestClientLeavesLargeBody(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		ended := make(chan error, 1)
		addr := script(t, func(_ int, c *rawConn) {
			r, err := http.ReadRequest(c.r)
			if err != nil {
				return
			}
			if r.Method == "POST" {
				_, err = io.Copy(io.Discard, r.Body)
			} else {
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 1<<40)
				for block := pattern(1 << 20); err == nil; {
					_, err = c.Write(block)
				}
			}
			ended <- err
		})
		p := start(t, settings{driver: d, limits: exchange.Limits{Stall: time.Hour}}, to(addr))
		for i, method := range []string{"GET", "POST", "GET", "POST"} {
			c := p.dial()
			if method == "GET" {
				c.send("GET / HTTP/1.1", "Host: a")
				_, _ = io.CopyN(io.Discard, c.r, 3<<20)
			} else {
				c.send("POST / HTTP/1.1", "Host: a", "Content-Length: 10000000")
				c.sendRaw(string(pattern(1 << 20)))
			}
			if i < 2 {
				c.SetLinger(0)
			}
			c.Close()
			if err := <-ended; err == nil {
				t.Errorf("%s: the backend's side ended in order", method)
			}
		}
		wantAtRest(t, p)
	})
}

// At the last level of overload nothing is read of backends; below, what had to
// wait goes on.
func TestOverloadWithinLargeBody(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		half, more := make(chan bool), make(chan bool)
		body := pattern(4 << 20)
		addr := script(t, func(_ int, c *rawConn) {
			c.request()
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
			c.Write(body[:len(body)/2])
			<-half
			c.Write(body[len(body)/2:])
			<-more
		})
		defer close(more)
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a")
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(body))
		if _, err := io.ReadFull(resp.Body, got[:len(body)/2]); err != nil {
			t.Fatal(err)
		}
		p.set.opts.Gate.Set(overload.RefuseConnections)
		close(half)
		time.Sleep(20 * time.Millisecond)
		p.set.opts.Gate.Set(overload.ShedRequests)
		if _, err := io.ReadFull(resp.Body, got[len(body)/2:]); err != nil || sum(got) != sum(body) {
			t.Errorf("got %s, want %s, %v", sum(got), sum(body), err)
		}
	})
}

// A drain lets large bodies come to their end.
func TestDrainWithinLargeBody(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		rest := make(chan bool)
		body := pattern(4 << 20)
		addr := script(t, func(_ int, c *rawConn) {
			c.request()
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
			c.Write(body[:len(body)/2])
			<-rest
			c.Write(body[len(body)/2:])
		})
		p := start(t, settings{driver: d, grace: time.Millisecond}, to(addr))
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a")
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		drained := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			drained <- p.set.Drain(ctx)
		}()
		eventually(t, p.set.draining.Load)
		close(rest)
		got, err := io.ReadAll(resp.Body)
		if err != nil || sum(got) != sum(body) {
			t.Errorf("got %s, want %s, %v", sum(got), sum(body), err)
		}
		c.Close()
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
}

// A response that ends with its connection has an end for a client of HTTP/1.0,
// too.
func TestLargeCloseDelimitedResponse(t *testing.T) {
	body := pattern(3 << 20)
	onDrivers(t, func(t *testing.T, d Driver) {
		addr := script(t, func(_ int, c *rawConn) {
			c.request()
			c.sendRaw("HTTP/1.1 200 OK\r\n\r\n")
			pieces(c, body)
		})
		p := start(t, settings{driver: d}, to(addr))
		c := p.dial()
		c.send("GET / HTTP/1.0", "Host: a")
		if _, got := c.response("GET"); sum([]byte(got)) != sum(body) {
			t.Errorf("got %s, want %s", sum([]byte(got)), sum(body))
		}
		c = p.dial()
		c.send("GET / HTTP/1.1", "Host: a")
		if _, got := c.response("GET"); sum([]byte(got)) != sum(body) {
			t.Errorf("in chunks: got %s, want %s", sum([]byte(got)), sum(body))
		}
	})
}
