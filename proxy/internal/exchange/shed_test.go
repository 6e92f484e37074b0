package exchange

import (
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// under is a world whose proxy has a level of overload.
func under(level overload.Level) (*world, *overload.Gate) {
	w := newWorld(1, nil)
	gate := overload.NewGate(overload.Limits{})
	gate.Set(level)
	w.loop.opts.Gate = gate
	w.loop.Sweep()
	return w, gate
}

func TestStopKeepAlive(t *testing.T) {
	w, _ := under(overload.StopKeepAlive)
	w.client(get)
	w.connected()
	w.fake.log.Reset()
	w.upstream(ok)
	w.wants(t, `client <- HTTP/1.1 200 OK (close) "ok"`, "shutdown client")
	// Who has nothing in progress goes soon.
	w, _ = under(overload.StopKeepAlive)
	w.pass(time.Second)
	w.wants(t, "close client")
}

func TestShedding(t *testing.T) {
	w, gate := under(overload.ShedRequests)
	var raw string
	w.fake.client.peer = w.conn
	w.conn.io = recording{w.fake.client, &raw}
	w.client(get)
	if !strings.HasPrefix(raw, "HTTP/1.1 503 ") || !strings.Contains(raw, "\r\nRetry-After: 1\r\n") || !strings.Contains(raw, "\r\nConnection: close\r\n") {
		t.Errorf("got %q", raw)
	}
	if got := gate.Stats().Shed; got != 1 {
		t.Errorf("counted %d", got)
	}
	if len(w.done) != 1 || w.done[0].Status != 503 || w.done[0].Rule != nil {
		t.Errorf("reported %+v", w.done)
	}
}

// The rest of a head is not waited for.
func TestSheddingWithinAHead(t *testing.T) {
	w, gate := under(overload.Normal)
	w.client("GET / HTTP/1.1\r\n")
	w.wants(t)
	gate.Set(overload.ShedRequests)
	w.client("Host: a\r\n")
	w.wants(t, `client <- HTTP/1.1 503 Service Unavailable (close) "Service Unavailable\n"`, "shutdown client")
}

// recording is a Transport of which is kept what was written.
type recording struct {
	Transport
	raw *string
}

func (r recording) Write(b []byte) bool {
	*r.raw += string(b)
	return r.Transport.Write(b)
}

// What is in progress when the level rises comes to its end.
func TestSheddingSparesWhatHasBegun(t *testing.T) {
	w, gate := under(overload.Normal)
	w.client(get)
	w.connected()
	gate.Set(overload.RefuseConnections)
	w.fake.log.Reset()
	w.upstream(ok)
	w.wants(t, `client <- HTTP/1.1 200 OK (close) "ok"`, "shutdown client")
}

func TestSheddingHTTP2(t *testing.T) {
	w, gate := under(overload.Normal)
	b := newBrowser(w)
	b.get()
	gate.Set(overload.ShedRequests)
	b.get()
	if b.answers != 1 || b.status != 503 || gate.Stats().Shed != 1 {
		t.Errorf("got %d answers, the last %d; counted %d", b.answers, b.status, gate.Stats().Shed)
	}
	// A sweep says that the connection ends, though there is a stream.
	b.io.peer.Tick()
	b.pump()
	if !b.leaving {
		t.Error("no GOAWAY")
	}
	w.connected()
	w.upstream(ok)
	b.pump()
	if b.answers != 2 || b.status != 200 {
		t.Errorf("got %d answers, the last %d", b.answers, b.status)
	}
	b.io.peer.Tick()
	b.pump()
	if !b.io.dead {
		t.Error("the connection has not ended")
	}
}

func TestPatienceShrinks(t *testing.T) {
	full := DefaultLimits()
	if got := full.at(overload.Normal); got != full {
		t.Errorf("got %+v", got)
	}
	for level, want := range map[overload.Level]time.Duration{
		overload.StopKeepAlive: 20 * time.Second, overload.ShedRequests: 5 * time.Second, overload.RefuseConnections: time.Second,
	} {
		got := full.at(level)
		if got.Stall != want || got.Body != want || got.Head != min(want, full.Head) || got.Idle != time.Second || got.Leaving != time.Second {
			t.Errorf("level %d: got %+v", level, got)
		}
		if got.Connect != full.Connect || got.Tunnel != full.Tunnel {
			t.Errorf("level %d: limits of backends and tunnels have changed: %+v", level, got)
		}
	}
}

func TestGrowthIsLookedAt(t *testing.T) {
	w, _ := under(overload.Normal)
	w.loop.Grow(1)
	all := w.loop.unseen
	w.loop.Grow(all - 1)
	if w.loop.unseen != 1 {
		t.Errorf("got %d", w.loop.unseen)
	}
	w.loop.Grow(1)
	if w.loop.unseen != all {
		t.Errorf("got %d after a glance, want %d", w.loop.unseen, all)
	}
}

// Streams that were taken in before the level rose, and go on after that, make
// no connections any more.
func TestSheddingBeforeConnecting(t *testing.T) {
	w, gate := under(overload.Normal)
	b := newBrowser(w)
	s := b.conn.Open(b, &browserTarget)
	s.EndHead(true)
	b.io.peer.Data(b.conn.Out)
	b.conn.Out = b.conn.Out[:0]
	gate.Set(overload.ShedRequests)
	b.pump()
	if b.answers != 1 || b.status != 503 || gate.Stats().Shed != 1 {
		t.Errorf("got %d answers, the last %d; counted %d", b.answers, b.status, gate.Stats().Shed)
	}
	if len(w.done) != 1 || w.done[0].Status != 503 || w.done[0].Rule == nil {
		t.Errorf("reported %+v", w.done)
	}
}

// Who sends bodies by HTTP/2 that their backends do not take is not read from while
// memory is short, and again when they are taken or it is short no more.
func TestHTTP2IsPausedWhileItsBodiesWait(t *testing.T) {
	const read = 100
	for _, tt := range []struct {
		size  int
		level overload.Level
		want  int
	}{
		{maxKept - 1, overload.StopKeepAlive, read},
		{maxKept - 1, overload.ShedRequests, read},
		{maxKept, overload.Normal, read},
		{maxKept, overload.StopKeepAlive, 0},
		{maxKept, overload.ShedRequests, 0},
		{1, overload.RefuseConnections, 0},
		{0, overload.RefuseConnections, read},
	} {
		for _, relief := range []string{"bodies are taken", "the level falls"} {
			w, gate := under(overload.Normal)
			w.fake.quiet = true
			b := newBrowser(w)
			b.post(tt.size)
			gate.Set(tt.level)
			if got := b.io.peer.Want(read); got != tt.want {
				t.Errorf("%d bytes wait at level %d: wants %d, not %d", tt.size, tt.level, got, tt.want)
			}
			b.io.resumed = 0
			if relief == "bodies are taken" {
				w.connected()
				b.pump()
			} else {
				gate.Set(overload.Normal)
				b.io.peer.Tick()
			}
			if got, want := b.io.resumed > 0, tt.want == 0; got != want || b.io.peer.Want(read) != read {
				t.Errorf("%d bytes wait at level %d, %s: resumed %v, wants %d", tt.size, tt.level, relief, got, b.io.peer.Want(read))
			}
		}
	}
}

// At the last step a client that has many more bytes of a frame to send has none of
// them read but what a small buffer takes.
func TestHTTP2BeginsNothingLargeAtTheLastStep(t *testing.T) {
	w, gate := under(overload.Normal)
	b := newBrowser(w)
	gate.Set(overload.RefuseConnections)
	frame := "\x00\x40\x00\x00\x00\x00\x00\x00\x01" + strings.Repeat("x", 1<<14)
	peer, taken := b.io.peer, 0
	b.pump()
	for n := peer.Want(1 << 12); n > 0; n = peer.Want(1 << 12) {
		peer.Data([]byte(frame[taken : taken+n]))
		taken += n
	}
	if taken == 0 || taken > 1<<10 {
		t.Errorf("%d bytes of %d were taken", taken, len(frame))
	}
	gate.Set(overload.Normal)
	peer.Tick()
	if b.io.resumed == 0 || peer.Want(1<<12) != 1<<12 {
		t.Error("the rest is not asked for")
	}
}
