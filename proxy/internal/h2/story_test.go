package h2

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// expect checks what was sent and told since the last time.
func (r *recorder) expect(t *testing.T, step, frames, log string) {
	t.Helper()
	if got := r.takeSent(t); got != frames {
		t.Errorf("%s: sent\n%s\nwant\n%s", step, got, frames)
	}
	if got := r.takeLog(); got != log {
		t.Errorf("%s: told\n%s\nwant\n%s", step, got, log)
	}
}

// A connection from its first to its last byte.
func TestStoryOfAConnection(t *testing.T) {
	r, p := newRecorder(Server, Options{}), newPeer()
	r.expect(t, "hello", "SETTINGS ack=false\nWINDOW_UPDATE 0 +983041", "")
	p.hello(Server)
	p.head(1, true, get...)
	p.head(3, false, ":method: POST", ":scheme: http", ":path: /up", ":authority: a", "te: trailers")
	p.WriteData(3, false, []byte("abc"))
	r.c.Receive(0, p.take())
	r.expect(t, "two requests", "SETTINGS ack=true", "1 request GET a.example/? [] \"\" true\n3 request POST a/up? [] \"\" false\n3 data \"abc\" false")

	up := r.all[3].s
	up.Respond(103)
	up.Field([]byte("Link"), []byte("x"))
	up.EndHead(false)
	down := r.all[1].s
	down.Respond(200)
	down.Field([]byte("Content-Length"), []byte("5"))
	down.Field([]byte("X-Made-Up"), []byte("Y"))
	down.EndHead(false)
	if n := down.Send([]byte("hello"), true); n != 5 || !down.Ended() {
		t.Errorf("took %d bytes", n)
	}
	r.expect(t, "answers", "HEADERS 3 :status=103 link=x end=false\nHEADERS 1 :status=200 content-length=5 x-made-up=Y end=false\nDATA 1 5 end=true", "")
	down.Release()

	r.c.Drain()
	r.expect(t, "drain", "GOAWAY 2147483647 NO_ERROR \nPING ack=false drained?", "")
	p.head(5, true, get...)
	p.WritePing(true, [8]byte(drainPing))
	p.head(7, true, get...)
	r.c.Receive(0, p.take())
	r.expect(t, "drained up to 5", "GOAWAY 5 NO_ERROR ", `5 request GET a.example/? [] "" true`)
	p.WriteData(7, true, []byte("ignored"))
	p.head(3, true, "x-trailer: 1")
	r.c.Receive(0, p.take())
	r.expect(t, "trailers", "", `3 trailers "x-trailer: 1\r\n"`)

	if r.c.Drained() || r.c.Streams() != 2 {
		t.Errorf("%d streams are left", r.c.Streams())
	}
	r.all[5].s.Respond(404)
	r.all[5].s.EndHead(true)
	up.Respond(200)
	up.EndHead(false)
	up.Send([]byte("x"), false)
	up.SendTrailers([]byte("grpc-status: 0\r\ncontent-length: 9\r\n"))
	r.expect(t, "trailers back", "HEADERS 5 :status=404 end=true\nHEADERS 3 :status=200 end=false\nDATA 3 1 end=false\nHEADERS 3 grpc-status=0 end=true", "")
	if !r.c.Drained() || r.c.Err() != nil {
		t.Errorf("%d streams are left, %v", r.c.Streams(), r.c.Err())
	}
}

// A client that stops reading gets no more than its windows, and the rest in
// fair turns.
func TestSendingIsFair(t *testing.T) {
	r, p := newRecorder(Server, Options{MaxOutput: 1 << 20}), newPeer()
	r.serve = func(e *exchange, what string, end bool) {
		if what == "head" {
			e.s.Respond(200)
			e.s.EndHead(false)
			e.toSend = make([]byte, 60000)
		}
		e.toSend = e.toSend[e.s.Send(e.toSend, true):]
	}
	p.hello(Server)
	p.head(1, true, get...)
	p.head(3, true, get...)
	r.c.Receive(0, p.take())
	got := r.takeSent(t)
	if want := "DATA 1 16384 end=false\nDATA 1 16384 end=false\nDATA 1 16384 end=false\nDATA 1 10848 end=true"; !strings.Contains(got, want) {
		t.Errorf("sent %s, want %s in it", got, want)
	}
	if want := "DATA 3 5535 end=false"; !strings.HasSuffix(got, want) {
		t.Errorf("sent %s, want %s last", got, want)
	}
	p.head(5, true, get...)
	p.head(7, true, get...)
	r.c.Receive(0, p.take())
	r.takeSent(t)
	p.WriteWindowUpdate(0, 70000)
	r.c.Receive(0, p.take())
	want := "DATA 3 16384 end=false\nDATA 5 16384 end=false\nDATA 7 16384 end=false\nDATA 3 16384 end=false"
	if got := r.takeSent(t); !strings.HasPrefix(got, want) {
		t.Errorf("sent %s, want %s first", got, want)
	}
}

// A transport that is blocked holds up data, and so does a stream's own window.
func TestSendingWaits(t *testing.T) {
	r, p := newRecorder(Server, Options{MaxOutput: 1000}), newPeer()
	p.WriteString(http2.ClientPreface)
	p.WriteSettings(http2.Setting{ID: 4, Val: 10})
	p.head(1, true, get...)
	r.c.Receive(0, p.take())
	s := r.all[1].s
	s.Respond(200)
	s.EndHead(false)
	r.takeSent(t)
	r.takeLog()
	r.c.Written(false)
	if n := s.Send([]byte("abc"), false); n != 0 {
		t.Errorf("took %d bytes while blocked", n)
	}
	r.c.Written(true)
	if n := s.Send(make([]byte, 20), false); n != 10 {
		t.Errorf("took %d bytes, want the window of 10", n)
	}
	r.expect(t, "blocked", "DATA 1 10 end=false", "1 writable")
	p.WriteSettings(http2.Setting{ID: 4, Val: 5})
	p.WriteWindowUpdate(1, 5)
	r.c.Receive(0, p.take())
	r.expect(t, "still no window", "SETTINGS ack=true", "")
	p.WriteSettings(http2.Setting{ID: 4, Val: 5000})
	r.c.Receive(0, p.take())
	r.expect(t, "window", "SETTINGS ack=true", "1 writable")
	if n := s.Send(make([]byte, 5000), false); n != 1000 {
		t.Errorf("took %d bytes, want the 1000 that may wait for the transport", n)
	}
	s.Release()
	r.expect(t, "given up", "DATA 1 1000 end=false\nRST_STREAM 1 CANCEL", "")
}

func (p *peer) WriteString(s string) { p.buf.WriteString(s) }

// Windows open as data is consumed, and by what closed streams have left.
func TestBackpressure(t *testing.T) {
	r, p := newRecorder(Server, Options{}), newPeer()
	r.hold = true
	p.hello(Server)
	p.head(1, false, get...)
	chunk := make([]byte, maxFrame)
	for range 4 {
		p.WriteData(1, false, chunk)
	}
	r.c.Receive(0, p.take())
	r.takeSent(t)
	s := r.all[1].s
	s.Consumed(streamWindow/2 - 1)
	if got := r.takeSent(t); got != "" {
		t.Errorf("sent %q, which is early", got)
	}
	s.Consumed(1)
	if got, want := r.takeSent(t), "WINDOW_UPDATE 1 +32768"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	s.Release()
	s = nil
	for id := uint32(3); id < 3+2*7; id += 2 {
		p.head(id, false, get...)
		for range 4 {
			p.WriteData(id, false, chunk)
		}
		r.c.Receive(0, p.take())
		r.all[id].s.Release()
	}
	if got, want := r.takeSent(t), "WINDOW_UPDATE 0 +524288"; !strings.HasSuffix(got, want) && !strings.Contains(got, want+"\n") {
		t.Errorf("sent %q, want %q in it", got, want)
	}
	if r.c.Err() != nil {
		t.Error(r.c.Err())
	}
}

// A head larger than a frame goes on in CONTINUATION frames.
func TestLargeHeads(t *testing.T) {
	for _, size := range []int{100, maxFrame - 40, maxFrame, 2 * maxFrame, 5*maxFrame + 77} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r, p := newRecorder(Server, Options{}), newPeer()
			p.hello(Server)
			p.head(1, true, get...)
			r.c.Receive(0, p.take())
			r.takeSent(t)
			s := r.all[1].s
			value := bytes.Repeat([]byte("abcdefg"), size/7)
			s.Respond(200)
			s.Field([]byte("x"), value)
			s.EndHead(true)
			if got, want := r.takeSent(t), "HEADERS 1 :status=200 x="+string(value)+" end=true"; got != want {
				t.Errorf("sent %.100q..., want %.100q...", got, want)
			}
		})
	}
}

func TestTooManyStreamsAreRefused(t *testing.T) {
	r, p := newRecorder(Server, Options{MaxStreams: 2}), newPeer()
	p.hello(Server)
	for id := uint32(1); id < 7; id += 2 {
		p.head(id, true, get...)
	}
	r.c.Receive(0, p.take())
	if got := r.takeSent(t); !strings.HasSuffix(got, "\nRST_STREAM 5 REFUSED_STREAM") {
		t.Errorf("sent %q", got)
	}
	if len(r.all) != 2 {
		t.Errorf("%d requests were handed on", len(r.all))
	}
}
