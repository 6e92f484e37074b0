package l4

import (
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestSessionsExpire(t *testing.T) {
	w := newWorld(t, Options{SessionIdle: time.Minute}, proxyconfig.UDP, echoUDP(t))
	p, addr := w.openUDP()
	quiet, busy := dialUDP(t, addr), dialUDP(t, addr)
	ask(t, quiet, "a")
	ask(t, busy, "bb")
	// The answer is counted after it was sent.
	eventually(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		received := uint64(0)
		for _, s := range p.sessions {
			received += s.received.Load()
		}
		return received == 3
	})
	w.clock.Add(int64(40 * time.Second))
	ask(t, busy, "bb")
	w.clock.Add(int64(20*time.Second) - 1)
	p.Expire(time.Minute)
	if got := w.server.Stats().Sessions; got != 2 {
		t.Fatalf("a nanosecond early there are %d sessions, want 2", got)
	}
	w.clock.Add(1)
	p.Expire(time.Minute)
	if got := w.server.Stats().Sessions; got != 1 {
		t.Fatalf("there are %d sessions, want 1", got)
	}
	done := w.reports()
	if len(done) != 1 || done[0].RequestBytes != 1 || done[0].ResponseBytes != 1 || done[0].Protocol != probe.UDP ||
		done[0].Client.String() != quiet.LocalAddr().String() {
		t.Errorf("told of %+v", done)
	}
	ask(t, quiet, "again")
	if got := w.server.Stats().Sessions; got != 2 {
		t.Errorf("who came back has no session: there are %d", got)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	w := newWorld(t, Options{MaxSessions: 2}, proxyconfig.UDP, echoUDP(t))
	p, addr := w.openUDP()
	ask(t, dialUDP(t, addr), "a")
	ask(t, dialUDP(t, addr), "b")
	third := dialUDP(t, addr)
	third.Write([]byte("c"))
	eventually(t, func() bool { return w.server.Stats().Dropped == 1 })
	w.clock.Add(int64(time.Hour))
	p.Expire(time.Minute)
	ask(t, third, "c")
}

func TestClosingAPortEndsItsSessions(t *testing.T) {
	w := newWorld(t, Options{}, proxyconfig.UDP, echoUDP(t))
	p, addr := w.openUDP()
	ask(t, dialUDP(t, addr), "a")
	p.mu.Lock()
	if len(p.sessions) != 1 {
		t.Errorf("%d sessions", len(p.sessions))
	}
	p.mu.Unlock()
	w.closeUDP()
	if got := w.server.Stats().Sessions; got != 0 || len(w.reports()) != 1 {
		t.Errorf("%d sessions are left, told of %d", got, len(w.reports()))
	}
}

// A datagram of a session that is there costs no allocation either way.
func TestDatagramsAllocateNothing(t *testing.T) {
	w := newWorld(t, Options{}, proxyconfig.UDP, echoUDP(t))
	_, addr := w.openUDP()
	c := dialUDP(t, addr)
	b := []byte("datagram")
	c.SetDeadline(time.Now().Add(time.Minute))
	got := testing.AllocsPerRun(500, func() {
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(b); err != nil {
			t.Fatal(err)
		}
	})
	// Under the race detector pools lose what they hold.
	if got >= 1 && !raceEnabled {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkDatagram(b *testing.B) {
	w := newWorld(b, Options{}, proxyconfig.UDP, echoUDP(b))
	_, addr := w.openUDP()
	c := dialUDP(b, addr)
	data := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		c.Write(data)
		c.Read(data)
	}
}
