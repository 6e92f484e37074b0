package handshake

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// recorder is a Handler that tells the test what it was told.
type recorder struct {
	events chan string
	mu     sync.Mutex
	busy   bool
}

func (r *recorder) enter(t string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy {
		t += " while another call was under way"
	}
	r.busy = true
	r.events <- t
}

func (r *recorder) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = false
}

func (r *recorder) Joined(p *Peer) (probe.Welcome, *os.File, error) {
	r.enter(fmt.Sprintf("joined %s executable=%t cgroup=%t pid=%t",
		p.Hello.Instance, p.Executable != nil, p.Cgroup != nil, p.PID == uint32(os.Getpid())))
	defer r.leave()
	return probe.Welcome{ABI: probe.ABI, Mode: probe.ModeUprobe}, nil, nil
}

func (r *recorder) Updated(t *probe.Tables) {
	r.enter(fmt.Sprintf("updated %d series", len(t.Series)))
	r.leave()
}

func (r *recorder) Amended(a *probe.Amendment) {
	r.enter(fmt.Sprintf("amended by %d series, without %d backends and %d endpoints", len(a.Series), len(a.Gone.Backends), len(a.Gone.Endpoints)))
	r.leave()
}

func (r *recorder) Left() {
	r.enter("left")
	r.leave()
}

// server starts a Server and returns the socket's path.
func server(t *testing.T) (string, *recorder) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "probe.sock")
	r := &recorder{events: make(chan string, 100)}
	s, err := Listen(Options{Path: path, Handler: r, Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return path, r
}

func (r *recorder) expect(t *testing.T, want string) {
	t.Helper()
	if got := <-r.events; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func dial(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// say sends a message with n descriptors.
func say(t *testing.T, c *net.UnixConn, message any, n int) {
	t.Helper()
	packet, err := probe.Encode(message)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	var rights []byte
	if n > 0 {
		fds := make([]int, n)
		for i := range fds {
			fds[i] = int(exe.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := c.WriteMsgUnix(packet, rights, nil); err != nil {
		t.Fatal(err)
	}
}

func hello(name string) probe.Hello { return probe.Hello{ABI: probe.ABI, Instance: name} }

// ended waits for the server to end the conversation.
func ended(t *testing.T, c *net.UnixConn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(30 * time.Second))
	packet := make([]byte, probe.MaxMessage)
	for {
		_, err := c.Read(packet)
		if os.IsTimeout(err) {
			t.Fatal("the server goes on with the conversation")
		}
		if err != nil {
			return
		}
	}
}

func TestAConversation(t *testing.T) {
	path, r := server(t)
	c := dial(t, path)
	h := hello("a")
	h.HasCgroup = true
	say(t, c, h, 2)
	r.expect(t, "joined a executable=true cgroup=true pid=true")
	packet := make([]byte, probe.MaxMessage)
	n, err := c.Read(packet)
	if err != nil {
		t.Fatal(err)
	}
	var w probe.Welcome
	if err := probe.Decode(packet[:n], &w); err != nil || w.Mode != probe.ModeUprobe {
		t.Errorf("answer: got %+v, %v", w, err)
	}
	series := probe.Tables{Series: []probe.Series{{ID: 1}}}
	say(t, c, probe.Update{Amendment: probe.Amendment{Tables: series}}, 0)
	say(t, c, probe.Update{Amendment: probe.Amendment{Tables: series}, Last: true}, 0)
	r.expect(t, "updated 2 series")
	gone := probe.Amendment{Gone: probe.Gone{Backends: []uint32{1, 2}, Endpoints: []probe.Endpoint{{Backend: 1}}}}
	say(t, c, probe.Update{Amendment: gone, Amends: true}, 0)
	say(t, c, probe.Update{Amendment: probe.Amendment{Tables: series}, Amends: true, Last: true}, 0)
	r.expect(t, "amended by 1 series, without 2 backends and 1 endpoints")
	say(t, c, probe.Update{Last: true}, 0)
	r.expect(t, "updated 0 series")
	c.Close()
	r.expect(t, "left")
}

func TestANewProxyTakesTheOldOnesPlace(t *testing.T) {
	path, r := server(t)
	old := dial(t, path)
	say(t, old, hello("old"), 1)
	r.expect(t, "joined old executable=true cgroup=false pid=true")
	next := dial(t, path)
	say(t, next, hello("new"), 1)
	r.expect(t, "left")
	r.expect(t, "joined new executable=true cgroup=false pid=true")
	ended(t, old)
	say(t, next, probe.Update{Last: true}, 0)
	r.expect(t, "updated 0 series")
}

func TestWhatIsMalformedEndsTheConversation(t *testing.T) {
	many := probe.Update{}
	for range 40 {
		many.Series = append(many.Series, probe.Series{})
	}
	tests := []struct {
		name string
		say  func(*testing.T, *net.UnixConn)
	}{
		{"no descriptor", func(t *testing.T, c *net.UnixConn) { say(t, c, hello("x"), 0) }},
		{"a descriptor too many", func(t *testing.T, c *net.UnixConn) { say(t, c, hello("x"), 2) }},
		{"many descriptors", func(t *testing.T, c *net.UnixConn) { say(t, c, hello("x"), 100) }},
		{"another version", func(t *testing.T, c *net.UnixConn) { say(t, c, probe.Hello{ABI: 9}, 1) }},
		{"no JSON", func(t *testing.T, c *net.UnixConn) { c.Write([]byte("GET / HTTP/1.1\r\n")) }},
		{"a packet that is too long", func(t *testing.T, c *net.UnixConn) { c.Write(make([]byte, probe.MaxMessage+1)) }},
		{"an amendment of nothing", func(t *testing.T, c *net.UnixConn) {
			say(t, c, hello("x"), 1)
			say(t, c, probe.Update{Amends: true, Last: true}, 0)
		}},
		{"half an amendment", func(t *testing.T, c *net.UnixConn) {
			say(t, c, hello("x"), 1)
			say(t, c, probe.Update{Last: true}, 0)
			say(t, c, probe.Update{Amends: true}, 0)
			say(t, c, probe.Update{Last: true}, 0)
		}},
		{"a series without a place", func(t *testing.T, c *net.UnixConn) {
			say(t, c, hello("x"), 1)
			say(t, c, probe.Update{Amendment: probe.Amendment{Tables: probe.Tables{Series: []probe.Series{{ID: probe.MaxSeries}}}}}, 0)
		}},
		{"a backend without a place", func(t *testing.T, c *net.UnixConn) {
			say(t, c, hello("x"), 1)
			say(t, c, probe.Update{Amendment: probe.Amendment{Tables: probe.Tables{Backends: []probe.Backend{{ID: probe.MaxSeries}}}}}, 0)
		}},
		{"a backend gone from no place", func(t *testing.T, c *net.UnixConn) {
			say(t, c, hello("x"), 1)
			say(t, c, probe.Update{Last: true}, 0)
			say(t, c, probe.Update{Amends: true, Amendment: probe.Amendment{Gone: probe.Gone{Backends: []uint32{probe.MaxSeries}}}}, 0)
		}},
		{"tables without end", func(t *testing.T, c *net.UnixConn) {
			say(t, c, hello("x"), 1)
			packet, err := probe.Encode(many)
			if err != nil {
				t.Fatal(err)
			}
			// The server stops listening at some time.
			for err == nil {
				_, err = c.Write(packet)
			}
		}},
	}
	path, r := server(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := descriptorsOpen(t)
			c := dial(t, path)
			tt.say(t, c)
			ended(t, c)
			c.Close()
			for deadline := time.Now().Add(10 * time.Second); descriptorsOpen(t) > before; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%d descriptors are left open", descriptorsOpen(t)-before)
				}
			}
		})
	}
	// The server is none the worse for it.
	for len(r.events) > 0 {
		<-r.events
	}
	say(t, dial(t, path), hello("good"), 1)
	r.expect(t, "joined good executable=true cgroup=false pid=true")
}

func descriptorsOpen(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestListenReplacesAnOldSocketAndLetsOthersConnect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "probe.sock")
	for range 2 {
		s, err := Listen(Options{Path: path, Log: logr.Discard()})
		if err != nil {
			t.Fatal(err)
		}
		// Left to the collector, it would be closed while others count descriptors.
		t.Cleanup(func() { s.listener.Close() })
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o666 {
		t.Errorf("mode: got %v, want 0666", got)
	}
}
