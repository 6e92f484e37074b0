package l4

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// What comes while memory is short is turned away, and is let in afterwards.
func TestSheddingSessions(t *testing.T) {
	gate := overload.NewGate(overload.Limits{})
	tcp := newWorld(t, Options{Gate: gate}, proxyconfig.TCP, echoTCP(t))
	udp := newWorld(t, Options{Gate: gate}, proxyconfig.UDP, echoUDP(t))
	_, addr := udp.openUDP()
	ln := listen(t)
	var serving sync.WaitGroup
	defer serving.Wait()
	early, earlyUDP := tcp.connect(ln, &serving), dialUDP(t, addr)
	defer early.Close()
	ask(t, early, "x")
	ask(t, earlyUDP, "x")

	gate.Set(overload.ShedRequests)
	late := tcp.connect(ln, &serving)
	if err := exchange(late, "x"); err == nil {
		t.Error("a new connection is served")
	}
	if got := gate.Stats().Refused[overload.Overloaded]; got != 1 {
		t.Errorf("counted %d", got)
	}
	lateUDP := dialUDP(t, addr)
	lateUDP.Write([]byte("x"))
	eventually(t, func() bool { return udp.server.Stats().Dropped == 1 })
	ask(t, early, "still here")
	ask(t, earlyUDP, "still here")

	gate.Set(overload.Normal)
	again := tcp.connect(ln, &serving)
	defer again.Close()
	ask(t, again, "x")
	ask(t, lateUDP, "x")
}

// deaf is a client's connection that takes nothing of what it is sent.
type deaf struct {
	*net.TCPConn
	closed chan struct{}
	once   sync.Once
}

func (d *deaf) Write([]byte) (int, error) {
	<-d.closed
	return 0, net.ErrClosed
}

func (d *deaf) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.TCPConn.Close()
}

// stuckTunnel serves a client that takes nothing of what it has asked for.
func stuckTunnel(t *testing.T, w *world, serving *sync.WaitGroup) {
	t.Helper()
	c := w.serve(listen(t), serving, func(st *Stream) {
		st.Conn = &deaf{TCPConn: st.Conn.(*net.TCPConn), closed: make(chan struct{})}
	})
	t.Cleanup(func() { c.Close() })
	c.Write([]byte("x"))
	eventually(t, func() bool {
		w.server.mu.Lock()
		defer w.server.mu.Unlock()
		for tunnel := range w.server.tunnels {
			return tunnel.down.writing.Load() != 0
		}
		return false
	})
}

// What nobody takes is given up the sooner the less memory there is, and never if
// there is enough.
func TestStuckTunnelsEnd(t *testing.T) {
	for _, tt := range []struct {
		level  overload.Level
		after  time.Duration
		gotten bool
	}{
		{overload.Normal, 50 * time.Minute, false},
		{overload.StopKeepAlive, 19 * time.Second, false},
		{overload.StopKeepAlive, 21 * time.Second, true},
		{overload.ShedRequests, 6 * time.Second, true},
		{overload.RefuseConnections, 2 * time.Second, true},
	} {
		gate := overload.NewGate(overload.Limits{})
		w := newWorld(t, Options{Gate: gate}, proxyconfig.TCP, echoTCP(t))
		var serving sync.WaitGroup
		stuckTunnel(t, w, &serving)
		gate.Set(tt.level)
		w.clock.Add(int64(tt.after))
		stuck, _ := w.server.stuck()
		if got := len(stuck) > 0; got != tt.gotten {
			t.Errorf("level %d after %v: ended %v, want %v", tt.level, tt.after, got, tt.gotten)
		}
		if tt.gotten {
			// The server finds it by itself.
			serving.Wait()
			if done := w.reports(); len(done) != 1 || done[0].Flags&probe.FlagTimeout == 0 {
				t.Errorf("told of %+v", done)
			}
		}
	}
}

// Tunnels go on byte by byte when memory gets short, with less in between.
func TestTunnelsGoOnUnderOverload(t *testing.T) {
	gate := overload.NewGate(overload.Limits{})
	w := newWorld(t, Options{Gate: gate}, proxyconfig.TCP, serveTCP(t, func(c *net.TCPConn) { io.Copy(c, c) }))
	ln := listen(t)
	var serving sync.WaitGroup
	defer serving.Wait()
	c := w.connect(ln, &serving)
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	for _, level := range []overload.Level{overload.Normal, overload.ShedRequests, overload.RefuseConnections, overload.Normal} {
		gate.Set(level)
		if level == overload.RefuseConnections {
			// Nothing is read of endpoints before it is over, but for what has been
			// waited for since before.
			time.AfterFunc(2*lull, func() { gate.Set(overload.ShedRequests) })
		}
		sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		go c.Write(sent)
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("level %d: %v", level, err)
		}
	}
}

func TestWhatTunnelsMayTake(t *testing.T) {
	gate := overload.NewGate(overload.Limits{})
	s := New(Options{Gate: gate})
	defer s.Close()
	for range maxSpliced {
		if !s.takeSplice() {
			t.Fatal("too few directions are spliced")
		}
	}
	if s.takeSplice() {
		t.Error("too many directions are spliced")
	}
	s.giveSplice()
	if s.lend() != smallBuffers {
		t.Error("buffers are small without need")
	}
	gate.Set(overload.ShedRequests)
	if s.lend() != tinyBuffers || s.takeSplice() {
		t.Error("nothing is done for want of memory")
	}
	gate.Set(overload.StopKeepAlive)
	if !s.takeSplice() || s.lend() != smallBuffers {
		t.Error("it is not over")
	}
}

// That nothing is read of an endpoint keeps nobody from leaving.
func TestRestingTunnelsEnd(t *testing.T) {
	gate := overload.NewGate(overload.Limits{})
	w := newWorld(t, Options{Gate: gate}, proxyconfig.TCP, echoTCP(t))
	var serving sync.WaitGroup
	c := w.connect(listen(t), &serving)
	ask(t, c, "x")
	gate.Set(overload.RefuseConnections)
	// Whether the answer still comes depends on what the tunnel was about.
	c.Write([]byte("y"))
	c.SetLinger(0)
	c.Close()
	serving.Wait()
}
