package listener

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// load runs requests on several connections until stop is called, which
// returns how many there were, and fails the test for each that failed.
func load(t *testing.T, url string, clients int) (stop func() int64) {
	var count atomic.Int64
	var running sync.WaitGroup
	end := make(chan struct{})
	for i := range clients {
		c := client(t)
		running.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-end:
					return
				default:
				}
				var body io.Reader
				method := "GET"
				if (n+i)%4 == 0 {
					method, body = "PUT", strings.NewReader("hello")
				}
				req, _ := http.NewRequest(method, url, body)
				resp, err := c.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 {
					t.Errorf("got %d %q, %v", resp.StatusCode, b, err)
					return
				}
				resp.Body.Close()
				count.Add(1)
			}
		})
	}
	return func() int64 {
		close(end)
		running.Wait()
		return count.Load()
	}
}

// Snapshots come and go under load, ports and backends with them; requests on
// what stays never fail, and established connections go on.
func TestReloadUnderLoad(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		hello := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }
		_, one := serve(t, hello)
		_, two := serve(t, hello)
		p := start(t, settings{driver: d, quiet: true}, to(one))
		kept := p.dial()
		stop := load(t, p.url("/"), 8)
		other := int32(porttest.Free(t))
		for i := range 60 {
			c := to([]string{one, two}[i%2])
			if i%3 == 0 {
				c = to(one, two)
			}
			if i%2 == 0 {
				c.Listeners = append(c.Listeners, proxyconfig.Listener{Name: "other", Port: other, Protocol: proxyconfig.HTTP})
			}
			p.apply(c)
			time.Sleep(5 * time.Millisecond)
			conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", other))
			if (err == nil) != (i%2 == 0) {
				t.Errorf("reload %d: the other port: %v", i, err)
			}
			if err == nil {
				conn.Close()
			}
		}
		kept.send("GET / HTTP/1.1", "Host: a")
		if _, body := kept.response("GET"); body != "hello" {
			t.Errorf("an old connection got %q", body)
		}
		if n := stop(); n == 0 {
			t.Error("there was no load")
		}
	})
}

// A backend that is replaced under load loses no request: its connections are
// closed while they are idle or about to be used.
func TestBackendsComeAndGoUnderLoad(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		hello := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }
		_, steady := serve(t, hello)
		p := start(t, settings{driver: d, quiet: true}, to(steady))
		stop := load(t, p.url("/"), 8)
		for range 10 {
			s, addr := serve(t, hello)
			p.apply(to(steady, addr))
			time.Sleep(20 * time.Millisecond)
			p.apply(to(steady))
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			if err := s.Config.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			cancel()
		}
		stop()
	})
}

// Draining under load loses no request: clients are told, and move on to
// another instance.
func TestDrainUnderLoad(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
		old := start(t, settings{driver: d, quiet: true, grace: 2 * time.Second}, to(addr))
		next := start(t, settings{driver: d, quiet: true}, to(addr))
		// The address that new connections go to.
		var target atomic.Pointer[proxy]
		target.Store(old)
		dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, target.Load().addr())
		}
		var running sync.WaitGroup
		end := make(chan struct{})
		var count atomic.Int64
		for range 8 {
			running.Go(func() {
				tr := &http.Transport{DialContext: dial}
				defer tr.CloseIdleConnections()
				c := http.Client{Transport: tr}
				for {
					select {
					case <-end:
						return
					default:
					}
					resp, err := c.Get("http://proxy/")
					if err != nil {
						t.Error(err)
						return
					}
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					count.Add(1)
				}
			})
		}
		idle := old.dial()
		eventually(t, func() bool { return count.Load() > 200 })
		// Endpoints change a while after draining has begun.
		time.AfterFunc(100*time.Millisecond, func() { target.Store(next) })
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := old.set.Drain(ctx); err != nil {
			t.Error(err)
		}
		idle.wantEnd()
		if _, err := net.Dial("tcp", old.addr()); err == nil {
			t.Error("the port is still open")
		}
		seen := count.Load()
		eventually(t, func() bool { return count.Load() > seen+100 })
		close(end)
		running.Wait()
	})
}

// Draining waits for requests in progress, but not longer than it may.
func TestDrainWaits(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		release := make(chan struct{})
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			<-release
			io.WriteString(w, "late")
		})
		p := start(t, settings{driver: d, grace: time.Millisecond}, to(addr))
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a")
		eventually(t, func() bool { return p.requests() == 1 })
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if err := p.set.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(release)
		if resp, body := c.response("GET"); !resp.Close || body != "late" {
			t.Errorf("got close %v, %q", resp.Close, body)
		}
	})
}

func (p *proxy) requests() (n int64) {
	for _, s := range p.set.Stats() {
		n += s.Requests
	}
	return n
}

// A port that somebody else has is an error of that port alone, and is tried
// again.
func TestPortInUse(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {})
		p := start(t, settings{driver: d}, to(addr))
		snap := *p.current.Load()
		port := taken.Addr().(*net.TCPAddr).AddrPort().Port()
		snap.Ports = append(snap.Ports[:1:1], &snapshot.Port{Number: port})
		errs := p.set.Apply(&snap)
		if len(errs) != 1 || errs[0].Port != port {
			t.Fatalf("got %v", errs)
		}
		if resp, _ := fetch(t, client(t), "GET", p.url("/"), nil); resp.StatusCode != 200 {
			t.Errorf("the other port got %d", resp.StatusCode)
		}
		taken.Close()
		if errs := p.set.Apply(&snap); len(errs) != 0 {
			t.Errorf("got %v", errs)
		}
	})
}
