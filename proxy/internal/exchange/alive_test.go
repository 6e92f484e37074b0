package exchange

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

const (
	pinged = "\x00\x00\x08\x06\x00\x00\x00\x00\x00alive???"
	ponged = "\x00\x00\x08\x06\x01\x00\x00\x00\x00alive???"
)

// tick lets whole seconds pass for a connection.
func (w *world) tick(p Peer, seconds int) {
	for range seconds {
		w.loop.SetNow(w.loop.Now() + int64(time.Second))
		p.Tick()
		w.loop.Flush()
	}
}

// newCalling is a world with a call to an HTTP/2 backend that has said what it has
// to before any answer.
func newCalling() *world {
	w := newWorldBy(proxyconfig.BackendHTTP2, 2, proxyconfig.Rule{})
	w.client(get)
	w.connected()
	w.says(plainSettings)
	return w
}

// A backend that has become silent is sent a PING; then it gets nothing more, and
// its calls go elsewhere.
func TestSilentBackendIsGivenUp(t *testing.T) {
	w := newCalling()
	first := w.backend()
	w.tick(first.peer, 9)
	if strings.Contains(first.sent.String(), pinged) {
		t.Error("it was sent a PING too early")
	}
	w.tick(first.peer, 1)
	if got := strings.Count(first.sent.String(), pinged); got != 1 {
		t.Fatalf("it was sent %d PINGs", got)
	}
	backend := first.peer.(*http2Backend)
	w.tick(first.peer, 2)
	if !backend.takes() {
		t.Error("it takes no calls before the answer is overdue")
	}
	w.tick(first.peer, 1)
	if backend.takes() {
		t.Error("it takes calls while the answer is overdue")
	}
	w.tick(first.peer, 6)
	if first.dead {
		t.Fatal("it was given up too early")
	}
	w.tick(first.peer, 1)
	if !first.dead || w.fake.dialed[0].EjectedUntil() == 0 {
		t.Fatalf("given up %v, ejected until %d", first.dead, w.fake.dialed[0].EjectedUntil())
	}
	if len(w.fake.dialed) != 2 || w.fake.dialed[0].InFlight() != 0 {
		t.Fatalf("%d endpoints were dialed, %d calls are left", len(w.fake.dialed), w.fake.dialed[0].InFlight())
	}
	w.connected()
	w.says(plainSettings + answered)
	if w.done[0].Status != 200 || w.done[0].Attempts != 2 {
		t.Errorf("got %d after %d attempts", w.done[0].Status, w.done[0].Attempts)
	}
}

// What has come but was not read is a sign of life.
func TestUnreadBackendIsKept(t *testing.T) {
	w := newCalling()
	first := w.backend()
	w.tick(first.peer, 10)
	first.ended = true
	w.tick(first.peer, 20)
	if first.dead {
		t.Error("it was given up")
	}
}

// A stream on which all is quiet lives as long as PINGs are answered, which are too
// few for a server of gRPC to object: at ten seconds, and every five minutes.
func TestQuietStreamLives(t *testing.T) {
	w := newCalling()
	w.says(answer1)
	backend := w.backend()
	pings := 0
	for range 600 {
		backend.sent.Reset()
		w.tick(backend.peer, 1)
		if strings.Contains(backend.sent.String(), pinged) {
			pings++
			w.says(ponged)
		}
	}
	if backend.dead || pings != 2 || len(w.done) != 0 {
		t.Errorf("given up %v, %d PINGs, want 2", backend.dead, pings)
	}
	w.says(data1)
	w.upstreamEnds(errors.New("reset"))
	if len(w.done) != 1 || w.done[0].ResponseBytes != 3 {
		t.Errorf("got %+v", w.done)
	}
}

// A client of HTTP/2 that answers no PING has gone, and one that does is there.
func TestSilentClientIsGivenUp(t *testing.T) {
	for _, answers := range []bool{true, false} {
		w := newWorld(1, nil)
		w.fake.quiet = true
		b := newBrowser(w)
		b.get()
		w.connected()
		b.pump()
		pings := 0
		for i := range 240 {
			w.tick(b.io.peer, 1)
			if strings.Contains(string(b.io.out), pinged) {
				pings++
			}
			if answers {
				b.pump()
			}
			if b.io.dead {
				if i+1 != 60 {
					t.Errorf("given up after %d seconds", i+1)
				}
				break
			}
		}
		if b.io.dead == answers || pings == 0 || w.fake.open() != 1 == answers {
			t.Errorf("answers %v: given up %v after %d PINGs, %d connections to the backend", answers, b.io.dead, pings, w.fake.open())
		}
	}
}
