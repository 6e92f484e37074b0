package exchange

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// widest are the settings of a backend that takes whatever comes.
const widest = "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x7f\xff\xff\xff" + "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xff\x00\x00"

const (
	messages    = 1000
	messageSize = 100
)

// streaming is a gRPC stream of many messages, each of which comes in a turn of its
// own. The backend's head comes before the messages, or after.
type streaming struct {
	world *world
	c     *browser
	early bool
	// seen is called after each message.
	seen func(x *exchange)
}

func newStreaming(early bool) *streaming {
	w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
	w.loop.opts.Observer = discard{}
	w.fake.quiet = true
	s := &streaming{world: w, c: newBrowser(w), early: early}
	s.c.get()
	w.connected()
	w.says(widest + frameOn(1, 1, 5, "\x88"))
	s.c.pump()
	return s
}

var streamTarget = browserTarget

func (s *streaming) run() {
	c, w := s.c, s.world
	streamTarget.Method = []byte("POST")
	st := c.conn.Open(c, &streamTarget)
	st.Field(contentType, []byte("application/grpc"))
	st.EndHead(false)
	c.pump()
	if s.early {
		w.says(frameOn(st.ID(), 1, 4, "\x88"))
		c.pump()
	}
	x := c.io.peer.(*http2Client).streams.x
	for range messages {
		st.Send(message[:], false)
		c.pump()
		if s.seen != nil {
			s.seen(x)
		}
	}
	st.Send(nil, true)
	c.pump()
	if !s.early {
		w.says(frameOn(st.ID(), 1, 4, "\x88"))
		c.pump()
	}
	if s.seen != nil {
		s.seen(x)
	}
	w.says(frameOn(st.ID(), 1, 5, "\x00\x0bgrpc-status\x010"))
	c.pump()
}

var message [messageSize]byte

// A stream's messages are kept as long as it may have to be sent again, up to a bound,
// and given back then: neither the answer's head nor the bound leaves more behind than
// the request's own head needs.
func TestStreamsAreNotKept(t *testing.T) {
	for _, early := range []bool{true, false} {
		t.Run(fmt.Sprintf("answered %v", early), func(t *testing.T) {
			s := newStreaming(early)
			copied, largest, n := 0, 0, 0
			s.seen = func(x *exchange) {
				kept := len(x.buf) - x.body
				copied, largest = max(copied, kept), max(largest, cap(x.buf))
				n++
				past := early || n*messageSize > maxReplay
				if past && (kept != 0 || cap(x.buf) > bufferSize) {
					t.Fatalf("%d bytes of %d are kept after %d messages, in %d", kept, n*messageSize, n, cap(x.buf))
				}
				if !past && kept != n*messageSize {
					t.Fatalf("%d bytes are kept of %d", kept, n*messageSize)
				}
			}
			s.run()
			if largest > 2*maxReplay {
				t.Errorf("%d bytes were taken to keep %d", largest, copied)
			}
		})
	}
}

// Once buffers have grown for one stream they serve others; no message costs one of its
// own.
func TestStreamsDoNotAllocate(t *testing.T) {
	for _, early := range []bool{true, false} {
		s := newStreaming(early)
		s.run()
		if n := testing.AllocsPerRun(20, s.run); n > messages/10 {
			t.Errorf("answered %v: %v allocations for %d messages", early, n, messages)
		}
	}
}

// part is sent of a body that is not whole.
const part = "part"

// What of a body is kept depends on whether anything could have it sent again.
func TestBodiesAreKeptForARepeat(t *testing.T) {
	const (
		http1, http2 = proxyconfig.BackendHTTP1, proxyconfig.BackendHTTP2
		head         = " / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
		goOn         = "HTTP/1.1 100 Continue\r\n\r\n"
		lost         = "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x07"
	)
	says := func(s string) func(w *world) { return func(w *world) { w.says(s) } }
	retries := func(r proxyconfig.Retry) proxyconfig.Rule { r.Attempts = 1; return proxyconfig.Rule{Retry: &r} }
	again := func(w *world) {
		for range maxRepeats {
			w.says(plainSettings + lost)
			w.connected()
			w.loop.Flush()
		}
	}
	for _, tt := range []struct {
		name, method, protocol string
		rule                   proxyconfig.Rule
		before                 func(w *world)
		kept                   bool
	}{
		{"idempotent", "PUT", http1, proxyconfig.Rule{}, nil, true},
		{"not idempotent", "POST", http1, proxyconfig.Rule{}, nil, false},
		{"may be refused", "POST", http2, proxyconfig.Rule{}, nil, true},
		{"was refused for the last time", "POST", http2, proxyconfig.Rule{}, again, false},
		{"retried after statuses", "POST", http1, retries(proxyconfig.Retry{Codes: []int{503}}), nil, true},
		{"retried after resets", "POST", http1, retries(proxyconfig.Retry{Reset: true}), nil, false},
		{"retried after failures to connect", "POST", http1, retries(proxyconfig.Retry{ConnectFailure: true}), nil, false},
		{"was told to go on", "PUT", http1, proxyconfig.Rule{}, says(goOn), false},
		{"was told to go on by HTTP/2", "POST", http2, proxyconfig.Rule{}, says(plainSettings + frame(1, 4, "\x08\x03100")), false},
		{"was answered", "PUT", http1, proxyconfig.Rule{}, says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), false},
		{"was answered by HTTP/2", "POST", http2, proxyconfig.Rule{}, says(plainSettings + frame(1, 4, "\x88")), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorldBy(tt.protocol, 1, tt.rule)
			w.client(tt.method + head)
			w.connected()
			w.loop.Flush()
			if tt.before != nil {
				tt.before(w)
			}
			w.client(part)
			want := ""
			if tt.kept {
				want = part
			}
			if got := string(w.conn.x.buf[w.conn.x.body:]); got != want {
				t.Errorf("%q is kept, want %q", got, want)
			}
		})
	}
}

// What is kept counts for the next glance at the memory, in whatever pieces it came.
func TestKeptBodiesAreSeen(t *testing.T) {
	w := newWorld(1, nil)
	w.client("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
	w.connected()
	w.loop.unseen = 1 << 30
	before := cap(w.conn.x.buf)
	for range 600 {
		w.client(strings.Repeat("x", 100))
	}
	grown := cap(w.conn.x.buf) - before
	// What it moved away from is garbage, which counts as well.
	if got := 1<<30 - w.loop.unseen; got < grown || got > 3*grown || grown < 50_000 {
		t.Errorf("%d bytes were told of %d", got, grown)
	}
}

func BenchmarkStream(b *testing.B) {
	for name, early := range map[string]bool{"answered": true, "unanswered": false} {
		b.Run(name, func(b *testing.B) {
			s := newStreaming(early)
			b.ReportAllocs()
			for b.Loop() {
				s.run()
			}
			if s.c.resets > 0 || s.c.answers != b.N+1 {
				b.Fatalf("%d resets, %d answers", s.c.resets, s.c.answers)
			}
		})
	}
}
