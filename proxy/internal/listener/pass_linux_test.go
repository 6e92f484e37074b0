//go:build !portable

package listener

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// passed returns how much was passed on without a copy.
func (p *proxy) passed() uint64 { return p.set.plain.(loops).engine.Passed() }

// Large bodies are passed on by the kernel, as a whole but for what came along
// with their heads; small ones, and those that have to be seen, are not.
func TestWhatIsPassed(t *testing.T) {
	const large = 1 << 20
	echo := func(t *testing.T) string {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			if !r.URL.Query().Has("chunked") {
				w.Header().Set("Content-Length", fmt.Sprint(len(b)))
			}
			w.Write(b)
		})
		return addr
	}
	for name, tt := range map[string]struct {
		size                int
		chunked, mirror, no bool
		method, query       string
		level               overload.Level
		descriptors         int
		least, most         uint64
	}{
		"both ways":            {size: large, least: 2*large - 4*64<<10, most: 2 * large},
		"at the threshold":     {size: 64 << 10, most: 2 * 64 << 10},
		"small":                {size: 64<<10 - 1},
		"tiny":                 {size: 1},
		"chunks in":            {size: large, chunked: true, least: large - 2*64<<10, most: large},
		"chunks out":           {size: large, query: "?chunked", least: large - 2*64<<10, most: large},
		"mirrored":             {size: large, mirror: true, least: large - 2*64<<10, most: large},
		"kept for another try": {size: large, method: "PUT", least: 2*large - 5*64<<10, most: 2*large - 64<<10},
		"no descriptor for it": {size: large, descriptors: 3},
	} {
		t.Run(name, func(t *testing.T) {
			addr := echo(t)
			c := to(addr)
			if tt.mirror {
				c.Backends = append(c.Backends, backendAt("copy", echo(t)))
				c.Routes[0].Rules[0].Filters = []proxyconfig.Filter{{Type: proxyconfig.FilterMirror, Mirror: &proxyconfig.Mirror{Backend: backendID("copy")}}}
			}
			p := start(t, settings{connections: overload.Limits{Descriptors: tt.descriptors}}, c)
			body, method := pattern(tt.size), tt.method
			if method == "" {
				method = "POST"
			}
			var in io.Reader = bytes.NewReader(body)
			if tt.chunked {
				in = io.MultiReader(in)
			}
			resp, got := fetch(t, client(t), method, p.url("/"+tt.query), in)
			if resp.StatusCode != 200 || sum([]byte(got)) != sum(body) {
				t.Errorf("got %d, %s, want %s", resp.StatusCode, sum([]byte(got)), sum(body))
			}
			if n := p.passed(); n < tt.least || n > tt.most {
				t.Errorf("%d bytes were passed on, want %d to %d", n, tt.least, tt.most)
			}
		})
	}
}

// What is encrypted on one side or framed by HTTP/2 is not passed on.
func TestWhatCannotBePassed(t *testing.T) {
	body := string(pattern(1 << 20))
	a := newAuthority(t, "a.example")
	p := start(t, settings{certificates: a}, a.secured(a.backend(t, false, false)))
	for name, http2 := range map[string]bool{"TLS": false, "HTTP/2 over TLS": true} {
		if resp, _ := fetch(t, a.client(t, http2), "POST", "https://"+p.addr()+"/", strings.NewReader(body)); resp.StatusCode != 200 {
			t.Errorf("%s: got %d", name, resp.StatusCode)
		}
	}
	_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		io.WriteString(w, body)
	})
	plain := start(t, settings{}, to(addr))
	resp, err := http2Client(t).Post(plain.url("/"), "", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, _ := io.ReadAll(resp.Body); string(got) != body {
		t.Errorf("got %s", sum(got))
	}
	if n := p.passed() + plain.passed(); n != 0 {
		t.Errorf("%d bytes were passed on", n)
	}
}

// pipeEnds counts the descriptors of the process that are those of pipes.
func pipeEnds(t *testing.T) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(to, "pipe:") {
			n++
		}
	}
	return n
}

// Pipes go when nothing is left to be passed on, be it that all has come to its
// end or that it was broken off with pipes full, and at the latest with the
// proxy.
func TestPipesAreClosed(t *testing.T) {
	const large = 1 << 20
	before := pipeEnds(t)
	block := make([]byte, large)
	addr := script(t, func(_ int, c *rawConn) {
		for r, _ := c.request(); r != nil; r, _ = c.request() {
			length, err := large, error(nil)
			if r.URL.Path == "/endless" {
				length = 1 << 40
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", length)
			for ; length > 0 && err == nil; length -= large {
				_, err = c.Write(block)
			}
		}
	})
	p := start(t, settings{}, to(addr))
	whole := func() {
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a")
		if _, body := c.response("GET"); len(body) != large {
			t.Errorf("got %d bytes", len(body))
		}
	}
	endless := func() *rawConn {
		c := p.dial()
		c.send("GET /endless HTTP/1.1", "Host: a")
		return c
	}
	var left []*rawConn
	for range 4 {
		whole()
		left = append(left, endless())
	}
	eventually(t, func() bool { return pipeEnds(t) >= before+2*len(left) })
	for _, c := range left {
		c.SetLinger(0)
		c.Close()
	}
	eventually(t, func() bool { return pipeEnds(t) <= before })
	endless()
	eventually(t, func() bool { return pipeEnds(t) > before })
	whole()
	p.set.Close()
	if got := pipeEnds(t); got > before {
		t.Errorf("%d descriptors of pipes are left", got-before)
	}
}

// Urgent data are none of a body, and do not hold up what lies behind them.
func TestUrgentDataWithinLargeBody(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		var conns atomic.Int32
		p := start(t, settings{driver: d}, to(summing(t, &conns)))
		c := p.dial()
		in := uploadOf(2<<20, 1<<20)
		c.sendRaw(string(in[:1<<20]))
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		err = raw.Write(func(fd uintptr) bool {
			return syscall.Sendto(int(fd), []byte{'!'}, syscall.MSG_OOB, nil) != syscall.EAGAIN
		})
		if err != nil {
			t.Fatal(err)
		}
		c.sendRaw(string(in[1<<20:]))
		c.wantSums(2<<20, 1<<20)
	})
}
