package h2

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// answering makes a recorder serve each request with what it was asked, and
// keeps an account of the streams.
func (r *recorder) answering() *recorder {
	r.serve = func(e *exchange, what string, end bool) {
		switch {
		case r.c.role == Server && what == "head":
			e.s.Respond(200)
			e.s.Field([]byte("X-Echo"), e.request.Path)
			e.s.EndHead(false)
		case what == "writable":
			e.toSend = e.toSend[e.s.Send(e.toSend, true):]
			return
		}
		if end && r.c.role == Server {
			e.toSend = bytes.Repeat([]byte("x"), 100)
			e.toSend = e.toSend[e.s.Send(e.toSend, true):]
		}
	}
	return r
}

// checkInvariants panics on what must hold whatever the peer does.
func (r *recorder) checkInvariants(t *testing.T) {
	t.Helper()
	c := &r.c
	if c.recvWindow < 0 || c.recvWindow > connWindow || c.unacked < 0 || c.sendWindow > maxWindow {
		t.Fatalf("windows %d, %d, %d", c.recvWindow, c.unacked, c.sendWindow)
	}
	if c.decoder.table.size > tableSize || len(c.in) > frameHeader+maxFrame || len(c.block.bytes) > maxBlock {
		t.Fatalf("holds %d, %d, %d", c.decoder.table.size, len(c.in), len(c.block.bytes))
	}
	last := uint32(0)
	for _, s := range c.streams.list {
		if s.id <= last || s.closed || s.sendWindow > maxWindow || s.recvWindow < 0 || s.recvWindow > streamWindow || s.pending < 0 {
			t.Fatalf("stream %+v", s)
		}
		last = s.id
	}
	if c.err != nil && len(c.streams.list) > 0 {
		t.Fatal("streams outlive their connection")
	}
}

// feed gives input in pieces of a size and returns all that was sent.
func (r *recorder) feed(t *testing.T, in []byte, size int) (out []byte) {
	for now := int64(0); len(in) > 0; now += 1000 {
		n := min(size, len(in))
		// A copy, so that whoever keeps a slice of it is found out.
		piece := bytes.Clone(in[:n])
		r.c.Receive(now, piece)
		clear(piece)
		in = in[n:]
		out = append(out, r.c.Out...)
		r.c.Out = r.c.Out[:0]
		r.c.Written(true)
		r.checkInvariants(t)
	}
	out = append(out, r.c.Out...)
	r.c.Out = r.c.Out[:0]
	return out
}

// wellFormed reads what was sent as a peer does.
func wellFormed(t *testing.T, out []byte) {
	t.Helper()
	fr := http2.NewFramer(nil, bytes.NewReader(bytes.TrimPrefix(out, []byte(preface))))
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	n := 0
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			break
		}
		n += frameHeader + int(f.Header().Length)
		if h, ok := f.(*http2.MetaHeadersFrame); ok && h.Truncated {
			t.Fatal("truncated head")
		}
	}
	if want := len(bytes.TrimPrefix(out, []byte(preface))); n != want {
		t.Fatalf("of %d bytes sent %d are frames: %q", want, n, out)
	}
}

// FuzzServer checks that a server takes whatever input there is in whatever
// pieces with the same outcome, keeps within its bounds and sends frames alone.
func FuzzServer(f *testing.F) {
	for _, in := range conversations(Server) {
		f.Add(in, uint16(7))
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint16) { fuzzRole(t, Server, in, int(size)+1) })
}

// FuzzClient is FuzzServer for what a backend sends.
func FuzzClient(f *testing.F) {
	for _, in := range conversations(Client) {
		f.Add(in, uint16(7))
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint16) { fuzzRole(t, Client, in, int(size)+1) })
}

func fuzzRole(t *testing.T, role Role, in []byte, size int) {
	if role == Server {
		in = append([]byte(preface), in...)
	}
	whole, pieces := started(role), started(role)
	wellFormed(t, whole.feed(t, in, len(in)+1))
	wellFormed(t, pieces.feed(t, in, size))
	if whole.c.err == errQueued {
		// How many answers wait depends on how often they are written.
		return
	}
	if a, b := fmt.Sprint(whole.events()), fmt.Sprint(pieces.events()); a != b {
		t.Fatalf("in one piece %s\nin pieces of %d %s", a, size, b)
	}
	if whole.c.err != pieces.c.err {
		t.Fatalf("ended with %v and with %v", whole.c.err, pieces.c.err)
	}
	whole.c.Closed()
	if n := len(whole.c.streams.list); n != 0 {
		t.Fatalf("%d streams left", n)
	}
}

// events returns the log without what depends on when the output was written.
func (r *recorder) events() (out []string) {
	for _, l := range r.log {
		if !bytes.HasSuffix([]byte(l), []byte("writable")) {
			out = append(out, l)
		}
	}
	return out
}

// started returns a recorder which, as a client, has sent three requests.
func started(role Role) *recorder {
	r := newRecorder(role, Options{MaxOutput: 1 << 20}).answering()
	for i := range 3 {
		if role == Client {
			r.open([]string{"GET", "HEAD", "POST"}[i], i < 2)
		}
	}
	return r
}

// conversations are inputs without the preface.
func conversations(role Role) (all [][]byte) {
	p := newPeer()
	head := get
	if role == Client {
		head = []string{":status: 200"}
	}
	for _, do := range []func(){
		func() { p.head(1, true, with(head, "x: y", "x: y")...); p.head(3, true, with(head, "x: y")...) },
		func() { p.head(5, false, with(head, "content-length: 3")...); p.WriteData(5, true, []byte("abc")) },
		func() {
			p.head(5, false, head...)
			p.WriteDataPadded(5, false, []byte("abc"), make([]byte, 9))
			p.head(5, true, "t: 1")
		},
		func() { p.head(1, false, ":status: 103", "link: x"); p.head(1, true, head...) },
		func() { raw(p, 1, 0, 5, string(p.fields(head...))); raw(p, 9, 0, 5, ""); raw(p, 9, 4, 5, "\x82") },
		func() { p.WritePing(false, [8]byte{}); p.WriteWindowUpdate(0, 5); p.WriteGoAway(3, 0, nil) },
		func() {
			p.WriteSettings(http2.Setting{ID: 4, Val: 0})
			p.head(1, true, head...)
			p.WriteWindowUpdate(1, 200)
		},
		func() {
			p.head(1, false, head...)
			p.WriteRSTStream(1, 7)
			p.WriteData(1, false, nil)
			p.WritePriority(1, http2.PriorityParam{StreamDep: 3})
		},
		func() {
			raw(p, 1, 5, 1, "\x3f\xe1\x1f\x20\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff")
		},
	} {
		p = newPeer()
		p.WriteSettings()
		do()
		all = append(all, p.take())
	}
	return all
}
