package exchange

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

// sink is a writer that keeps what it is sent, each piece by itself.
type sink struct{ got []string }

func (s *sink) write(b []byte) { s.got = append(s.got, string(b)) }

func (s *sink) size() (n int) {
	for _, piece := range s.got {
		n += len(piece)
	}
	return n
}

func (s *sink) wants(t *testing.T, name string, want ...string) {
	t.Helper()
	if !slices.Equal(s.got, want) {
		t.Errorf("%s got %.80q, want %.80q", name, s.got, want)
	}
	s.got = nil
}

func TestGatherKeepsTheOrderOfEach(t *testing.T) {
	var a, b sink
	l := NewLoop(Options{})
	l.hold()
	for i, piece := range strings.Fields("1 2 3 4 5 6 7") {
		l.send([]writer{&a, &b}[i%2], []byte(piece))
	}
	a.wants(t, "a while it is held")
	b.wants(t, "b while it is held")
	l.unhold()
	a.wants(t, "a", "1357")
	b.wants(t, "b", "246")
	// Without a hold another one's turn is the end of one's own.
	l.send(&a, []byte("8"))
	l.send(&a, []byte("9"))
	l.send(&b, []byte("0"))
	a.wants(t, "a without a hold", "89")
	l.flushFor(&a)
	b.wants(t, "b before its flush")
	l.flushFor(&b)
	b.wants(t, "b", "0")
}

func TestGatherPutsNothingBehindWhatIsLarge(t *testing.T) {
	var a, b sink
	large := strings.Repeat("x", directWrite)
	l := NewLoop(Options{})
	l.hold()
	l.send(&a, []byte("1"))
	l.send(&b, []byte("2"))
	l.send(&a, []byte(large))
	l.send(&a, []byte("3"))
	a.wants(t, "a", "1", large)
	l.unhold()
	a.wants(t, "a at the end", "3")
	b.wants(t, "b at the end", "2")
}

func TestGatherFlushesAndDiscardsWhatIsParked(t *testing.T) {
	var a, b, c sink
	l := NewLoop(Options{})
	l.hold()
	for _, w := range []writer{&a, &b, &c} {
		l.send(w, []byte("1"))
	}
	l.flushFor(&a)
	a.wants(t, "a", "1")
	l.flushFor(&a)
	l.discardFor(&b)
	l.send(&a, []byte("2"))
	l.send(&b, []byte("3"))
	l.discardFor(&a)
	l.send(&c, []byte("4"))
	l.unhold()
	a.wants(t, "a, which has gone")
	b.wants(t, "b, which is another one now", "3")
	c.wants(t, "c", "14")
}

// What a hold has gathered does not outlive it, nor does what it was gathered in.
func TestGatherKeepsNothing(t *testing.T) {
	sinks := make([]sink, 10)
	l := NewLoop(Options{})
	round := func() {
		l.hold()
		for i := range 3 * len(sinks) {
			l.send(&sinks[i%len(sinks)], []byte("x"))
		}
		l.discardFor(&sinks[3])
		l.unhold()
	}
	round()
	if len(l.out) != 0 || l.outFor != nil || len(l.parked) != 0 || l.holding {
		t.Errorf("left are %d bytes for %v, and %d parcels", len(l.out), l.outFor, len(l.parked))
	}
	if slices.ContainsFunc(l.parked[:cap(l.parked)], func(p parcel) bool { return p.to != nil || p.out != nil }) {
		t.Error("a parcel is kept")
	}
	round() // what it began with was no buffer
	free := len(l.buffers.idle)
	round()
	if got := len(l.buffers.idle); got != free {
		t.Errorf("%d buffers are free, before there were %d", got, free)
	}
}

// Each gets what it was sent, in order and once, but for what was discarded.
func TestGatherAgreesWithAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		sinks, want := make([]sink, 4), make([][]byte, 4)
		l := NewLoop(Options{})
		l.hold()
		for range 100 {
			i := r.IntN(len(sinks))
			w := &sinks[i]
			switch r.IntN(8) {
			case 0:
				l.flushFor(w)
			case 1:
				l.discardFor(w)
				want[i] = want[i][:w.size()]
			case 2:
				l.unhold()
				l.hold()
			default:
				b := bytes.Repeat([]byte{byte(r.Uint32())}, 1<<r.IntN(16))
				l.send(w, b)
				want[i] = append(want[i], b...)
			}
			if unsent := len(want[i]) - w.size(); unsent < 0 || unsent >= 2*directWrite {
				t.Fatalf("%d bytes are unsent", unsent)
			}
		}
		l.unhold()
		for i := range sinks {
			if got := strings.Join(sinks[i].got, ""); got != string(want[i]) {
				t.Fatalf("got %d bytes, want %d, or others", len(got), len(want[i]))
			}
		}
	}
}

// The end of a half of a tunnel is told after what was said before, in the same
// read and of others.
func TestTunnelsEndAfterWhatWasGathered(t *testing.T) {
	w := newWorld(1, nil)
	b := newBrowser(w)
	target := browserTarget
	target.Method, target.Protocol = []byte("CONNECT"), []byte("websocket")
	s := b.conn.Open(b, &target)
	s.EndHead(false)
	b.pump()
	w.connected()
	w.agree(t)
	b.pump()
	tunnel := w.backend()
	other := b.upload()
	w.connected()
	w.fake.log.Reset()
	for _, piece := range strings.Fields("a b c") {
		s.Send([]byte(piece), false)
		other.Send([]byte(piece), false)
	}
	s.Send([]byte("d"), true)
	b.pump()
	w.wants(t, `upstream <- "abcd"`, "shutdown upstream", `upstream <- "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n"`)
	tunnel.peer.Ended(nil)
	b.pump()
	if !tunnel.dead || b.answers != 1 {
		t.Errorf("the tunnel's connection was closed: %v, %d answers", tunnel.dead, b.answers)
	}
}

// upload opens a stream for a body whose length nobody knows, and has its head
// reach a backend.
func (b *browser) upload() *h2.Stream {
	target := browserTarget
	target.Method = []byte("POST")
	s := b.conn.Open(b, &target)
	s.EndHead(false)
	b.pump()
	return s
}

// A backend that takes no more is noticed within a read, however much that brings.
func TestHTTP2WindowsAreOfBackendsThatTake(t *testing.T) {
	const window = 64 << 10
	for name, piece := range map[string]int{"frames of one byte": 1, "little frames": 1000, "large frames": 16 << 10} {
		w := newWorld(1, nil)
		b := newBrowser(w)
		s := b.upload()
		w.connected()
		b.pump()
		w.fake.stuck = true
		sent := 0
		for {
			// One read's worth.
			before := sent
			for body := make([]byte, piece); len(b.conn.Out) < 60<<10; {
				n := s.Send(body, false)
				if sent += n; n == 0 {
					break
				}
			}
			if sent == before {
				break
			}
			b.pump()
		}
		if sent > window {
			t.Errorf("%s: %d bytes were taken, want %d at the most", name, sent, window)
		}
		if got := len(w.backend().sent.String()); got < sent {
			t.Errorf("%s: %d of %d bytes were written", name, got, sent)
		}
	}
}

// The copy of a request by HTTP/2 gets its body as the original does, though both
// have their turns with each frame.
func TestHTTP2BodiesAreMirrored(t *testing.T) {
	w := newMirroringWorld()
	b := newBrowser(w)
	s := b.upload()
	for _, c := range w.fake.all {
		c.peer.(Backend).Connected()
	}
	w.fake.log.Reset()
	for _, piece := range strings.Fields("a b c d") {
		s.Send([]byte(piece), false)
	}
	b.pump()
	const chunks = "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n"
	for i, c := range w.fake.all {
		if got := c.sent.String(); !strings.HasSuffix(got, "\r\n\r\n"+chunks) {
			t.Errorf("connection %d of %d got %q", i+1, len(w.fake.all), got)
		}
	}
	if got := strings.Count(w.fake.log.String(), "upstream <-"); got != 2 {
		t.Errorf("it took %d writes, want one each: %s", got, w.fake.log.String())
	}
	s.SendTrailers([]byte("x-sum: 1\r\n"))
	b.pump()
	for i, c := range w.fake.all {
		if got := c.sent.String(); !strings.HasSuffix(got, chunks+"0\r\nx-sum: 1\r\n\r\n") {
			t.Errorf("connection %d got %q", i+1, got)
		}
	}
}
