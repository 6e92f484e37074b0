package exchange

import (
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

const longPost = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"

// drip sends a piece at a time, and returns after how many seconds the client was
// answered, or zero.
func (w *world) drip(piece string, every, seconds int) int {
	for s := 1; s <= seconds; s++ {
		if s%every == 0 {
			w.client(piece)
		}
		if w.pass(time.Second); w.conn.phase != inBody {
			return s
		}
	}
	return 0
}

func TestBodiesThatDrip(t *testing.T) {
	const tenth = "0123456789"
	for _, tt := range []struct {
		name, head, piece string
		every             int
		timeouts          *proxyconfig.Timeouts
		cut               bool
	}{
		{"a byte now and then", longPost, "x", 59, nil, true},
		{"a byte a second", longPost, "x", 1, nil, true},
		{"less than it has to be", longPost, strings.Repeat(tenth, 99), 10, nil, true},
		{"as much as it has to be", longPost, strings.Repeat(tenth, 100), 10, nil, false},
		{"all of it in bursts", longPost, strings.Repeat(tenth, 700), 57, nil, false},
		{"chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 1, nil, true},
		{"within a time of the rule's own", longPost, "x", 1, &proxyconfig.Timeouts{RequestMillis: 3600e3}, false},
		{"within an attempt's time", longPost, "x", 1, &proxyconfig.Timeouts{BackendRequestMillis: 3600e3}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(1, tt.timeouts)
			w.client(tt.head)
			w.connected()
			w.fake.log.Reset()
			w.fake.quiet = !tt.cut
			got := w.drip(tt.piece, tt.every, 600)
			if !tt.cut {
				if got != 0 {
					t.Errorf("it was given up after %d seconds", got)
				}
				return
			}
			if got < 60 || got > 62 {
				t.Errorf("it was given up after %d seconds", got)
			}
			end := "drop upstream\n" + `client <- HTTP/1.1 408 Request Timeout (close) "Request Timeout\n"` + "\nshutdown client\n"
			if log := w.fake.log.String(); !strings.HasSuffix(log, end) {
				t.Errorf("got\n%s", log)
			}
			if d := w.done; len(d) != 1 || d[0].Flags&flagTimeout == 0 {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// Who is kept from sending is not to blame for sending little.
func TestClientsThatAreHeldBackAreNotSlow(t *testing.T) {
	t.Run("by the backend", func(t *testing.T) {
		w := newWorld(1, nil)
		w.client(longPost)
		w.connected()
		w.fake.quiet, w.fake.stuck = true, true
		for s := range 600 {
			if s%40 == 39 {
				w.backend().peer.Flushed()
				w.client("x")
			}
			if w.pass(time.Second); w.conn.phase != inBody {
				t.Fatalf("it was given up after %d seconds", s)
			}
		}
		w.fake.stuck = false
		w.backend().peer.Flushed()
		if got := w.drip("x", 1, 100); got < 60 || got > 62 {
			t.Errorf("once nothing held it back, it was given up after %d seconds", got)
		}
	})
	t.Run("by an answer that has begun", func(t *testing.T) {
		w := newWorld(1, nil)
		w.client(longPost)
		w.connected()
		w.upstream(okOf(1000))
		if got := w.drip("x", 1, 200); got != 0 {
			t.Errorf("it was given up after %d seconds", got)
		}
	})
}

// Overload leaves less time, for as much of the body.
func TestDripsUnderOverload(t *testing.T) {
	w := newWorld(1, nil)
	w.client(longPost)
	w.connected()
	w.loop.limits.Body = 5 * time.Second
	if got := w.drip("x", 1, 100); got < 5 || got > 7 {
		t.Errorf("it was given up after %d seconds", got)
	}
}

func TestStreamsThatDrip(t *testing.T) {
	w := newWorld(1, nil)
	b := newBrowser(w)
	target := browserTarget
	target.Method = []byte("POST")
	s := b.conn.Open(b, &target)
	s.EndHead(false)
	b.pump()
	w.connected()
	for range 59 {
		s.Send([]byte("x"), false)
		b.pass(time.Second)
	}
	if b.answers != 0 || b.resets != 0 {
		t.Fatalf("%d answers and %d resets before the time", b.answers, b.resets)
	}
	for range 3 {
		if b.answers == 0 {
			s.Send([]byte("x"), false)
			b.pass(time.Second)
		}
	}
	if b.status != 408 || b.answers != 1 || b.leaving {
		t.Errorf("status %d, %d answers; the connection ends: %v", b.status, b.answers, b.leaving)
	}
	if w.loop.Active.Load() != 0 || w.fake.open() != 0 {
		t.Errorf("%d requests and %d connections are left", w.loop.Active.Load(), w.fake.open())
	}
}

// Both sides of a call speak when they have something to say.
func TestCallsMayDrip(t *testing.T) {
	w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
	b := newBrowser(w)
	target := browserTarget
	target.Method = []byte("POST")
	s := b.conn.Open(b, &target)
	s.Field([]byte("content-type"), []byte("application/grpc"))
	s.EndHead(false)
	b.pump()
	w.newSource()
	for range 600 {
		s.Send([]byte("x"), false)
		b.pass(time.Second)
	}
	if b.answers != 0 || b.resets != 0 {
		t.Errorf("%d answers and %d resets", b.answers, b.resets)
	}
}

// What other streams have sent and their backends do not take keeps a client from
// sending more of this one.
func TestStreamsAreNotSlowForOthers(t *testing.T) {
	w := newWorld(1, nil)
	b := newBrowser(w)
	slow := b.upload()
	w.connected()
	first := w.backend()
	var stuck []*fakeConn
	for range 14 {
		s := b.upload()
		w.connected()
		stuck = append(stuck, w.backend())
		w.fake.stuck = true
		for s.Send(make([]byte, 16<<10), false) > 0 {
			b.pump()
		}
		w.fake.stuck = false
	}
	pass := func(seconds int) {
		for s := 0; s < seconds && b.answers == 0; s++ {
			slow.Send([]byte("x"), false)
			b.pass(time.Second)
			if s%40 == 39 {
				// They take little, but some.
				for _, c := range stuck {
					c.peer.Flowed()
				}
			}
		}
	}
	pass(200)
	if first.dead || b.answers != 0 {
		t.Fatalf("%d answers", b.answers)
	}
	for _, c := range stuck {
		c.peer.Ended(nil)
	}
	b.pump()
	b.answers = 0
	if pass(62); !first.dead {
		t.Error("once nothing held it back, it was not given up")
	}
}
