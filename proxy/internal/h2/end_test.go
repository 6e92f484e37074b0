package h2

import (
	"testing"
	"unsafe"

	"golang.org/x/net/http2"
)

// What an owner may do to a connection as a whole.
func TestOwnerEndsConnection(t *testing.T) {
	for _, test := range []struct {
		name string
		role Role
		do   func(c *Conn)
		sent string
		told string
	}{
		{"server drains", Server, func(c *Conn) { c.Drain(); c.Drain(); c.Drain() }, "GOAWAY 2147483647 NO_ERROR \nPING ack=false drained?\nGOAWAY 1 NO_ERROR ", ""},
		{"client drains", Client, func(c *Conn) { c.Drain(); c.Drain() }, "GOAWAY 0 NO_ERROR ", ""},
		{"fails", Server, func(c *Conn) { c.Fail(&Error{NoError, "idle"}); c.Fail(errClosed); c.Drain() }, "GOAWAY 1 NO_ERROR idle", "1 reset NO_ERROR false"},
		{"is cut off", Client, func(c *Conn) { c.Closed(); c.Closed(); c.Drain() }, "", "1 reset CANCEL false"},
		{"fails when drained", Server, func(c *Conn) { c.Drain(); c.Drain(); c.Fail(errClosed) }, "GOAWAY 2147483647 NO_ERROR \nPING ack=false drained?\nGOAWAY 1 NO_ERROR \nGOAWAY 1 STREAM_CLOSED HEADERS on a closed stream", "1 reset STREAM_CLOSED false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, p := newRecorder(test.role, Options{}), newPeer()
			p.hello(test.role)
			if test.role == Client {
				r.open("GET", true)
			} else {
				p.head(1, true, get...)
			}
			r.c.Receive(0, p.take())
			r.takeSent(t)
			r.takeLog()
			test.do(&r.c)
			r.expect(t, test.name, test.sent, test.told)
			if r.c.CanOpen() {
				t.Error("streams may still be opened")
			}
		})
	}
}

// A released stream that was not ended is told to the peer by the code that
// fits.
func TestRelease(t *testing.T) {
	r, p := newRecorder(Server, Options{}), newPeer()
	p.hello(Server)
	p.head(1, false, get...)
	p.head(3, false, get...)
	r.c.Receive(0, p.take())
	r.takeSent(t)
	r.all[1].s.Respond(413)
	r.all[1].s.EndHead(true)
	r.all[1].s.Release()
	r.all[3].s.Release()
	if got, want := r.takeSent(t), "HEADERS 1 :status=413 end=true\nRST_STREAM 1 NO_ERROR\nRST_STREAM 3 CANCEL"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if r.c.live != 0 {
		t.Errorf("%d streams live", r.c.live)
	}
}

// What the peer sends before it knows of our reset is ignored, however many
// there were in between.
func TestFramesThatCrossOurResets(t *testing.T) {
	r, p := newRecorder(Server, Options{}), newPeer()
	p.hello(Server)
	for id := uint32(1); id < 400; id += 2 {
		p.head(id, false, get...)
		r.c.Receive(0, p.take())
		r.all[id].s.Release()
	}
	r.takeSent(t)
	for id := uint32(1); id < 400; id += 2 {
		p.WriteData(id, false, []byte("x"))
		p.WriteWindowUpdate(id, 1)
		p.WriteRSTStream(id, http2.ErrCodeCancel)
	}
	r.c.Receive(0, p.take())
	if got := r.takeSent(t); got != "" || r.c.Err() != nil {
		t.Errorf("sent %q, %v", got, r.c.Err())
	}
}

// A closed stream takes nothing and does nothing.
func TestEndedStreams(t *testing.T) {
	r, p := newRecorder(Server, Options{}), newPeer()
	p.hello(Server)
	p.head(1, true, get...)
	r.c.Receive(0, p.take())
	s := r.all[1].s
	s.Reset(Cancel)
	r.takeSent(t)
	s.Respond(200)
	s.Field([]byte("x"), []byte("y"))
	s.EndHead(true)
	s.SendTrailers([]byte("x: y\r\n"))
	s.Reset(Cancel)
	if n := s.Send([]byte("x"), true); n != 0 || len(r.c.Out) != 0 {
		t.Errorf("took %d bytes and sent %q", n, r.c.Out)
	}
}

// Trailers of which none may travel on still end the message.
func TestTrailersThatStay(t *testing.T) {
	r, p := newRecorder(Server, Options{}), newPeer()
	p.hello(Server)
	p.head(1, true, get...)
	r.c.Receive(0, p.take())
	s := r.all[1].s
	s.Respond(200)
	s.EndHead(false)
	r.takeSent(t)
	s.SendTrailers([]byte("content-length: 3\r\n"))
	if got, want := r.takeSent(t), "DATA 1 0 end=true"; got != want || !s.Ended() {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// An idle connection holds little but what its client put into the table.
func TestIdleConnectionsAreSmall(t *testing.T) {
	r, p := newRecorder(Server, Options{}).answering(), newPeer()
	p.hello(Server)
	p.head(1, true, get...)
	r.c.Receive(0, p.take())
	r.c.Out = r.c.Out[:0]
	r.all[1].s.Release()
	r.c.Trim()
	c := &r.c
	held := int(unsafe.Sizeof(*c)) + cap(c.Out) + cap(c.in) + cap(c.block.bytes) + 8*cap(c.streams.list) + 4*cap(c.reset.ids)
	if held > 512 {
		t.Errorf("holds %d bytes", held)
	}
	if table := cap(c.decoder.table.bytes) + 8*cap(c.decoder.table.entries); table > 256 {
		t.Errorf("holds %d bytes for a small table", table)
	}
}

// Who has sent little of a frame holds little, and nothing once it is whole.
func TestPartialFramesAreSmall(t *testing.T) {
	r, p := newRecorder(Server, Options{}), newPeer()
	p.hello(Server)
	p.head(1, false, get...)
	p.WriteData(1, true, make([]byte, maxFrame))
	in := p.take()
	most := 0
	for i := 0; i < len(in); i += 10 {
		r.c.Receive(0, in[i:min(i+10, len(in))])
		if held := cap(r.c.in); held > smallBuffer && len(r.c.in) <= smallBuffer || held > largeBuffer {
			t.Fatalf("holds %d bytes for %d", held, len(r.c.in))
		}
		most = max(most, cap(r.c.in))
	}
	if r.c.in != nil || most != largeBuffer || r.all[1].received != maxFrame {
		t.Errorf("held %d bytes, received %d", most, r.all[1].received)
	}
	if len(r.c.pool.small) != 1 || len(r.c.pool.large) != 1 {
		t.Errorf("%d and %d buffers came back", len(r.c.pool.small), len(r.c.pool.large))
	}
}

func TestErrorsSayTheirCode(t *testing.T) {
	if got, want := errPush.Error(), "PROTOCOL_ERROR: PUSH_PROMISE"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Code(99).String(), "code 99"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
