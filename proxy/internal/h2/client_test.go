package h2

import (
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// open sends a request to a backend.
func (r *recorder) open(method string, end bool) *exchange {
	e := new(exchange)
	t := h1.Target{Method: []byte(method), Scheme: []byte("http"), Authority: []byte("b.example"), Path: []byte("/p?q")}
	e.s = r.c.Open(e, &t)
	e.s.Field([]byte("X-Name"), []byte("v"))
	e.s.EndHead(end)
	r.all[e.s.ID()] = e
	return e
}

// clientRules are what comes of what backends answer.
var clientRules = []rule{
	{"response", func(p *peer) {
		p.head(1, false, ":status: 200", "content-length: 2")
		p.WriteData(1, true, []byte("ab"))
	}, "", "1 response 200 \"\" false\n1 data \"ab\" true"},
	{"response to HEAD", func(p *peer) { p.head(3, true, ":status: 200", "content-length: 2") }, "", `3 response 200 "" true`},
	{"data after a response to HEAD", func(p *peer) {
		p.head(3, false, ":status: 200", "content-length: 2")
		p.WriteData(3, true, []byte("ab"))
	}, "RST_STREAM 3 PROTOCOL_ERROR", "3 response 200 \"\" false\n3 reset PROTOCOL_ERROR false"},
	{"unchanged", func(p *peer) { p.head(1, true, ":status: 304", "content-length: 2") }, "", `1 response 304 "" true`},
	{"interim", func(p *peer) { p.head(1, false, ":status: 103", "link: x"); p.head(1, true, ":status: 200") }, "", "1 response 103 \"link: x\\r\\n\" false\n1 response 200 \"\" true"},
	{"interim that ends the stream", func(p *peer) { p.head(1, true, ":status: 103") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"switching protocols", func(p *peer) { p.head(1, false, ":status: 101") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"interim without end", func(p *peer) {
		for range maxInterim + 1 {
			p.head(1, false, ":status: 103")
		}
	}, "RST_STREAM 1 ENHANCE_YOUR_CALM", "*"},
	{"no status", func(p *peer) { p.head(1, true, "x: y") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"two statuses", func(p *peer) { p.head(1, true, ":status: 200", ":status: 200") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"request instead", func(p *peer) { p.head(1, true, get...) }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"hop-by-hop field", func(p *peer) { p.head(1, true, ":status: 200", "connection: close") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"split value", func(p *peer) { p.head(1, true, ":status: 200", "x: a\r\nb: c") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"short body", func(p *peer) {
		p.head(1, false, ":status: 200", "content-length: 2")
		p.WriteData(1, true, []byte("a"))
	}, "RST_STREAM 1 PROTOCOL_ERROR", "1 response 200 \"\" false\n1 reset PROTOCOL_ERROR false"},
	{"head too large", func(p *peer) {
		raw(p, 1, 0, 1, string(p.fields(":status: 200", "x: "+strings.Repeat("\\", 3500))))
		raw(p, 9, 4, 1, strings.Repeat("\xbe", 10))
	}, "RST_STREAM 1 ENHANCE_YOUR_CALM", "1 reset ENHANCE_YOUR_CALM false"},
	{"DATA before the head", func(p *peer) { p.WriteData(1, true, []byte("a")) }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"response before the request's end", func(p *peer) { p.head(5, true, ":status: 200"); p.WriteRSTStream(5, 0) }, "", "5 response 200 \"\" true\n5 reset NO_ERROR false"},
	{"refused", func(p *peer) { p.WriteRSTStream(1, http2.ErrCodeRefusedStream) }, "", "1 reset REFUSED_STREAM true"},
	{"GOAWAY", func(p *peer) { p.WriteGoAway(1, 0, nil); p.head(1, true, ":status: 200") }, "", "5 reset REFUSED_STREAM true\n3 reset REFUSED_STREAM true\ngoing away\n1 response 200 \"\" true"},
	{"GOAWAY twice", func(p *peer) { p.WriteGoAway(maxStream, 0, nil); p.WriteGoAway(3, 0, nil) }, "", "going away\n5 reset REFUSED_STREAM true"},
	{"GOAWAY upwards", func(p *peer) { p.WriteGoAway(1, 0, nil); p.WriteGoAway(3, 0, nil) }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"push", func(p *peer) { raw(p, 5, 4, 1, "\x00\x00\x00\x02") }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"push is on", func(p *peer) { p.WriteSettings(http2.Setting{ID: 2, Val: 1}) }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"no frame size", func(p *peer) { p.WriteSettings(http2.Setting{ID: 5, Val: 0}) }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"connect off again", func(p *peer) {
		p.WriteSettings(http2.Setting{ID: 8, Val: 1})
		p.WriteSettings(http2.Setting{ID: 8, Val: 0})
	}, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"HEADERS on an idle stream", func(p *peer) { p.head(7, true, ":status: 200") }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"HEADERS on an even stream", func(p *peer) { p.head(2, true, ":status: 200") }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"CONTINUATION without end", func(p *peer) {
		raw(p, 1, 0, 1, "")
		for range maxContinuations + 1 {
			raw(p, 9, 0, 1, "")
		}
	}, "GOAWAY 0 ENHANCE_YOUR_CALM", ""},
}

// What comes of what backends answer to a GET, a HEAD and a POST on the streams
// 1, 3 and 5.
func TestClientRules(t *testing.T) {
	for _, test := range clientRules {
		t.Run(test.name, func(t *testing.T) {
			r, p := newRecorder(Client, Options{}), newPeer()
			p.hello(Client)
			r.c.Receive(0, p.take())
			r.open("GET", true)
			r.open("HEAD", true)
			r.open("POST", false)
			r.takeSent(t)
			test.check(t, r, p)
		})
	}
}

func TestClientSends(t *testing.T) {
	r, p := newRecorder(Client, Options{}), newPeer()
	if r.open("GET", true); !strings.HasPrefix(string(r.c.Out), preface) {
		t.Errorf("begins with %q", r.c.Out[:20])
	}
	want := "SETTINGS ack=false\nWINDOW_UPDATE 0 +983041\nHEADERS 1 :method=GET :scheme=http :authority=b.example :path=/p?q x-name=v end=true"
	if got := r.takeSent(t); got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	p.WriteSettings(http2.Setting{ID: 3, Val: 2}, http2.Setting{ID: 8, Val: 1})
	r.c.Receive(0, p.take())
	if !r.c.CanOpen() || !r.c.TakesConnect() {
		t.Error("one more stream cannot be opened")
	}
	target := h1.Target{Method: []byte("CONNECT"), Scheme: []byte("http"), Authority: []byte("b"), Path: []byte("/"), Protocol: []byte("websocket")}
	s := r.c.Open(nil, &target)
	s.EndHead(false)
	want = "SETTINGS ack=true\nHEADERS 3 :method=CONNECT :scheme=http :authority=b :path=/ :protocol=websocket end=false"
	if got := r.takeSent(t); got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if r.c.CanOpen() {
		t.Error("a third stream may be opened")
	}
	s.Release()
	if got := r.takeSent(t); got != "RST_STREAM 3 CANCEL" || !r.c.CanOpen() {
		t.Errorf("sent %q", got)
	}
}

// entangled is a Handler that releases another stream with one that is reset.
type entangled struct {
	recorder
	others map[uint32]*Stream
}

func (e *entangled) Reset(s *Stream, code Code, refused bool) {
	if other := e.others[s.ID()]; other != nil {
		other.Release()
	}
	e.recorder.Reset(s, code, refused)
}

// A connection that fails has each stream end once, though the end of one may
// have the owner give up another, of which he is not told then.
func TestFailureReleasesOthers(t *testing.T) {
	e, p := &entangled{recorder: recorder{all: map[uint32]*exchange{}}}, newPeer()
	e.c.Init(Client, &Options{Pool: new(Pool)}, e, 0)
	p.hello(Client)
	e.c.Receive(0, p.take())
	first := e.open("GET", true)
	e.open("GET", true)
	e.open("GET", true)
	e.others = map[uint32]*Stream{5: first.s}
	e.c.Fail(errTransport)
	if got, want := strings.Join(e.log, "\n"), "5 reset NO_ERROR false\n3 reset NO_ERROR false"; got != want || e.c.Streams() != 0 {
		t.Errorf("got %q, want %q, and %d streams are left", got, want, e.c.Streams())
	}
}
