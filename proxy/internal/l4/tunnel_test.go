package l4

import (
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// An idle tunnel holds neither buffer nor pipe: what it costs is two goroutines
// and two sockets.
func TestIdleTunnelsAreSmall(t *testing.T) {
	const tunnels = 1000
	w := newWorld(t, Options{}, proxyconfig.TCP, echoTCP(t))
	ln := listen(t)
	var serving sync.WaitGroup
	defer serving.Wait()
	defer w.server.Close()
	before, files, goroutines := memory(), descriptors(t), runtime.NumGoroutine()
	for range tunnels {
		c := w.connect(ln, &serving)
		t.Cleanup(func() { c.Close() })
		// It has been used, and for more than fits into a buffer.
		ask(t, c, "x")
		if len(w.reports()) > 0 {
			t.Fatal("a tunnel has ended")
		}
	}
	each := (memory() - before) / tunnels
	open := descriptors(t) - files
	t.Logf("%d idle tunnels: %d bytes of heap and stacks each (with both ends of this test), %d descriptors, %d goroutines",
		tunnels, each, open, runtime.NumGoroutine()-goroutines)
	// Both ends of the test have a socket each, too.
	if open > 4*tunnels+16 {
		t.Errorf("%d descriptors for %d tunnels: pipes are kept", open, tunnels)
	}
	if each > 2*bufferSize {
		t.Errorf("%d bytes for each tunnel: buffers are kept", each)
	}
}

// memory is what heap and stacks have in use.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

func descriptors(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list descriptors")
	}
	return len(files)
}

// Connections and sessions that come and go, in order and otherwise, leave
// nothing behind.
func TestNothingIsLeftBehind(t *testing.T) {
	tcp := newWorld(t, Options{}, proxyconfig.TCP, echoTCP(t))
	udp := newWorld(t, Options{}, proxyconfig.UDP, echoUDP(t))
	ln := listen(t)
	round := func() {
		var serving sync.WaitGroup
		for i := range 50 {
			c := tcp.connect(ln, &serving)
			ask(t, c, strings.Repeat("x", i+1))
			if i%3 == 0 {
				c.SetLinger(0)
			}
			c.Close()
		}
		serving.Wait()
		_, addr := udp.openUDP()
		// They stay open until all are there: a port that is used again would be the
		// same session.
		var clients []net.Conn
		for range 20 {
			c := dialUDP(t, addr)
			ask(t, c, "x")
			clients = append(clients, c)
		}
		for _, c := range clients {
			c.Close()
		}
		udp.closeUDP()
	}
	round()
	// Splicing keeps a few pipes for later.
	files, goroutines := descriptors(t)+8, runtime.NumGoroutine()+2
	for range 4 {
		round()
	}
	eventually(t, func() bool { return descriptors(t) <= files && runtime.NumGoroutine() <= goroutines })
	eventually(t, func() bool { return len(tcp.reports())+len(udp.reports()) >= 5*70 })
	if a, b := tcp.server.Stats(), udp.server.Stats(); a.Connections != 0 || b.Sessions != 0 {
		t.Errorf("left: %+v, %+v", a, b)
	}
	if got := len(tcp.reports()) + len(udp.reports()); got != 5*70 {
		t.Errorf("told of %d ends, want %d", got, 5*70)
	}
}

// Closing the Server breaks off what is in progress.
func TestCloseEndsTunnels(t *testing.T) {
	w := newWorld(t, Options{}, proxyconfig.TCP, echoTCP(t))
	ln := listen(t)
	var serving sync.WaitGroup
	c := w.connect(ln, &serving)
	ask(t, c, "x")
	w.server.Close()
	serving.Wait()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("got %v", err)
	}
	late := w.connect(ln, &serving)
	serving.Wait()
	if err := exchange(late, "x"); err == nil {
		t.Error("served after Close")
	}
}
