package h2

import (
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// rule is what a peer does and what it is answered.
type rule struct {
	name string
	do   func(p *peer)
	want string // the last thing that is sent
	log  string // what is told after the request, if anything
}

// check runs the rule and reports whether it ends the connection.
func (u *rule) check(t *testing.T, r *recorder, p *peer) (failed bool) {
	t.Helper()
	u.do(p)
	r.c.Receive(0, p.take())
	got := strings.Split(r.takeSent(t), "\n")
	if last := got[len(got)-1]; last != u.want && (!strings.HasPrefix(last, u.want+" ") || u.want == "") {
		t.Errorf("sent %q, want %q last", got, u.want)
	}
	failed = strings.HasPrefix(u.want, "GOAWAY")
	if (r.c.Err() != nil) != failed {
		t.Errorf("the connection ended with %v", r.c.Err())
	}
	if log := r.takeLog(); !failed && u.log != "*" && log != u.log {
		t.Errorf("told %q, want %q", log, u.log)
	}
	return failed
}

const truncated = "\x00\x00\x05"

func raw(p *peer, kind, flags uint8, id uint32, payload string) {
	p.WriteRawFrame(http2.FrameType(kind), http2.Flags(flags), id, []byte(payload))
}

// serverRules are what a server answers to clients that break the rules.
var serverRules = []rule{
	{"DATA on stream zero", func(p *peer) { raw(p, 0, 0, 0, "x") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"DATA on an idle stream", func(p *peer) { p.WriteData(11, false, nil) }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"DATA after END_STREAM", func(p *peer) { p.WriteData(3, false, []byte("x")) }, "RST_STREAM 3 STREAM_CLOSED", "3 reset STREAM_CLOSED false"},
	{"DATA after RST_STREAM", func(p *peer) { p.WriteData(5, false, []byte("x")) }, "RST_STREAM 5 STREAM_CLOSED", ""},
	{"DATA on a complete stream", func(p *peer) { p.WriteData(7, false, []byte("x")) }, "RST_STREAM 7 STREAM_CLOSED", ""},
	{"DATA that crosses our RST_STREAM", func(p *peer) { p.WriteData(9, false, []byte("x")) }, "", ""},
	{"HEADERS that cross our RST_STREAM", func(p *peer) { p.head(9, true, "x: y") }, "", ""},
	{"padding as long as the frame", func(p *peer) { raw(p, 0, 8, 1, "\x01") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"padding without its length", func(p *peer) { raw(p, 0, 8, 1, "") }, "GOAWAY 9 FRAME_SIZE_ERROR", ""},
	{"padded DATA", func(p *peer) { p.WriteDataPadded(1, true, []byte("x"), []byte{0, 0}) }, "", `1 data "x" true`},
	{"HEADERS on stream zero", func(p *peer) { p.head(0, true, get...) }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"HEADERS on an even stream", func(p *peer) { p.head(12, true, get...) }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"HEADERS after END_STREAM", func(p *peer) { p.head(3, true, get...) }, "RST_STREAM 3 STREAM_CLOSED", "3 reset STREAM_CLOSED false"},
	{"HEADERS after RST_STREAM", func(p *peer) { p.head(5, true, get...) }, "GOAWAY 9 STREAM_CLOSED", ""},
	{"HEADERS on a complete stream", func(p *peer) { p.head(7, true, get...) }, "GOAWAY 9 STREAM_CLOSED", ""},
	{"HEADERS below the last stream", func(p *peer) { p.head(15, true, get...); p.head(13, true, get...) }, "GOAWAY 15 PROTOCOL_ERROR", "*"},
	{"HEADERS with too little priority", func(p *peer) { raw(p, 1, 0x24, 11, "\x00\x00") }, "GOAWAY 9 FRAME_SIZE_ERROR", ""},
	{"HEADERS that depend on themselves", func(p *peer) { raw(p, 1, 0x25, 11, "\x00\x00\x00\x0b\x01"+string(p.fields(get...))) }, "RST_STREAM 11 PROTOCOL_ERROR", "11 reset PROTOCOL_ERROR false"},
	{"trailers without END_STREAM", func(p *peer) { p.head(1, false, "x: y") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"trailers with a pseudo-header field", func(p *peer) { p.head(1, true, ":path: /") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"trailers with a name in upper case", func(p *peer) { p.head(1, true, "X: y") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"trailers about the connection", func(p *peer) { p.head(1, true, "connection: x") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"trailers", func(p *peer) { p.head(1, true, "x: y", "z: ") }, "", `1 trailers "x: y\r\nz: \r\n"`},
	{"block without its CONTINUATION", func(p *peer) { raw(p, 1, 0, 11, "\x82"); p.WritePing(false, [8]byte{}) }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"CONTINUATION of another stream", func(p *peer) { raw(p, 1, 0, 11, "\x82"); raw(p, 9, 4, 13, "") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"CONTINUATION of nothing", func(p *peer) { raw(p, 9, 4, 1, "") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"block in pieces", func(p *peer) {
		b := string(p.fields(get...))
		raw(p, 1, 1, 11, b[:1])
		raw(p, 9, 0, 11, "")
		raw(p, 9, 4, 11, b[1:])
	}, "", `11 request GET a.example/? [] "" true`},
	{"block with a bad index", func(p *peer) { raw(p, 1, 5, 11, "\xff\x7f") }, "GOAWAY 11 COMPRESSION_ERROR", "*"},
	{"block that is cut off", func(p *peer) { raw(p, 1, 5, 11, "\x00\x05x") }, "GOAWAY 11 COMPRESSION_ERROR", "*"},
	{"block with the index zero", func(p *peer) { raw(p, 1, 5, 11, "\x80") }, "GOAWAY 11 COMPRESSION_ERROR", "*"},
	{"bad Huffman padding", func(p *peer) { raw(p, 1, 5, 11, "\x00\x81\x00\x00") }, "GOAWAY 11 COMPRESSION_ERROR", "*"},
	{"table grown beyond what we allow", func(p *peer) { raw(p, 1, 5, 11, "\x3f\xe2\x1f\x82") }, "GOAWAY 11 COMPRESSION_ERROR", "*"},
	{"table resized behind a field", func(p *peer) { raw(p, 1, 5, 11, "\x82\x20") }, "GOAWAY 11 COMPRESSION_ERROR", "*"},
	{"table resized three times", func(p *peer) { raw(p, 1, 5, 11, "\x20\x20\x20\x82") }, "GOAWAY 11 COMPRESSION_ERROR", "*"},
	{"PRIORITY on stream zero", func(p *peer) { raw(p, 2, 0, 0, "\x00\x00\x00\x01\x01") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"PRIORITY of a wrong size", func(p *peer) { raw(p, 2, 0, 1, "\x00\x00\x00\x01") }, "RST_STREAM 1 FRAME_SIZE_ERROR", "1 reset FRAME_SIZE_ERROR false"},
	{"PRIORITY on itself", func(p *peer) { raw(p, 2, 0, 1, "\x00\x00\x00\x01\x01") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"PRIORITY on itself when idle", func(p *peer) { raw(p, 2, 0, 11, "\x00\x00\x00\x0b\x01") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"PRIORITY", func(p *peer) { raw(p, 2, 0, 99, "\x00\x00\x00\x0b\x01") }, "", ""},
	{"RST_STREAM on stream zero", func(p *peer) { raw(p, 3, 0, 0, "\x00\x00\x00\x08") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"RST_STREAM when idle", func(p *peer) { p.WriteRSTStream(11, 8) }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"RST_STREAM of a wrong size", func(p *peer) { raw(p, 3, 0, 1, "\x00\x00\x00") }, "GOAWAY 9 FRAME_SIZE_ERROR", ""},
	{"RST_STREAM", func(p *peer) { p.WriteRSTStream(1, 8) }, "", "1 reset CANCEL false"},
	{"SETTINGS on a stream", func(p *peer) { raw(p, 4, 0, 1, "") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"SETTINGS of a wrong size", func(p *peer) { raw(p, 4, 0, 0, "\x00\x03\x00") }, "GOAWAY 9 FRAME_SIZE_ERROR", ""},
	{"SETTINGS acknowledged with a payload", func(p *peer) { raw(p, 4, 1, 0, "\x00\x03\x00\x00\x00\x01") }, "GOAWAY 9 FRAME_SIZE_ERROR", ""},
	{"push neither on nor off", func(p *peer) { p.WriteSettings(http2.Setting{ID: 2, Val: 2}) }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"initial window too large", func(p *peer) { p.WriteSettings(http2.Setting{ID: 4, Val: 1 << 31}) }, "GOAWAY 9 FLOW_CONTROL_ERROR", ""},
	{"frame size too small", func(p *peer) { p.WriteSettings(http2.Setting{ID: 5, Val: 16383}) }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"frame size too large", func(p *peer) { p.WriteSettings(http2.Setting{ID: 5, Val: 1 << 24}) }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"unknown setting", func(p *peer) { p.WriteSettings(http2.Setting{ID: 99, Val: 1}) }, "SETTINGS ack=true", ""},
	{"PUSH_PROMISE", func(p *peer) { raw(p, 5, 4, 1, "\x00\x00\x00\x02") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"PING on a stream", func(p *peer) { raw(p, 6, 0, 1, "12345678") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"PING of a wrong size", func(p *peer) { raw(p, 6, 0, 0, "1234567") }, "GOAWAY 9 FRAME_SIZE_ERROR", ""},
	{"PING", func(p *peer) { raw(p, 6, 0, 0, "12345678") }, "PING ack=true 12345678", ""},
	{"PING acknowledged", func(p *peer) { raw(p, 6, 1, 0, "12345678") }, "", ""},
	{"GOAWAY on a stream", func(p *peer) { raw(p, 7, 0, 1, "12345678") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"GOAWAY of a wrong size", func(p *peer) { raw(p, 7, 0, 0, "1234567") }, "GOAWAY 9 FRAME_SIZE_ERROR", ""},
	{"GOAWAY", func(p *peer) { p.WriteGoAway(0, 0, nil) }, "", "going away"},
	{"WINDOW_UPDATE when idle", func(p *peer) { p.WriteWindowUpdate(11, 1) }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"WINDOW_UPDATE of a wrong size", func(p *peer) { raw(p, 8, 0, 0, "123") }, "GOAWAY 9 FRAME_SIZE_ERROR", ""},
	{"WINDOW_UPDATE by zero", func(p *peer) { raw(p, 8, 0, 0, "\x00\x00\x00\x00") }, "GOAWAY 9 PROTOCOL_ERROR", ""},
	{"WINDOW_UPDATE by zero on a stream", func(p *peer) { raw(p, 8, 0, 1, "\x00\x00\x00\x00") }, "RST_STREAM 1 PROTOCOL_ERROR", "1 reset PROTOCOL_ERROR false"},
	{"WINDOW_UPDATE too far", func(p *peer) { p.WriteWindowUpdate(0, maxWindow) }, "GOAWAY 9 FLOW_CONTROL_ERROR", ""},
	{"WINDOW_UPDATE too far on a stream", func(p *peer) { p.WriteWindowUpdate(1, maxWindow) }, "RST_STREAM 1 FLOW_CONTROL_ERROR", "1 reset FLOW_CONTROL_ERROR false"},
	{"WINDOW_UPDATE on a complete stream", func(p *peer) { p.WriteWindowUpdate(7, 1) }, "", ""},
	{"initial window moved too far", func(p *peer) { p.WriteWindowUpdate(1, 1<<30); p.WriteSettings(http2.Setting{ID: 4, Val: maxWindow}) }, "GOAWAY 9 FLOW_CONTROL_ERROR", ""},
	{"frame too large", func(p *peer) { raw(p, 0, 0, 1, strings.Repeat("x", maxFrame+1)) }, "GOAWAY 9 FRAME_SIZE_ERROR", ""},
	{"unknown frame", func(p *peer) { raw(p, 0x16, 0xff, 77, "whatever") }, "", ""},
	{"DATA beyond the window", func(p *peer) {
		for range 5 {
			raw(p, 0, 0, 1, strings.Repeat("x", maxFrame))
		}
	}, "RST_STREAM 1 FLOW_CONTROL_ERROR", "*"},
}

// What a server answers to clients that break the rules. Stream 1 is open, 3
// has been ended by the client, 5 was reset by it, 7 is complete and 9 was reset
// by us.
func TestServerRules(t *testing.T) {
	for _, test := range serverRules {
		t.Run(test.name, func(t *testing.T) {
			r, p := openStreams(t)
			failed := test.check(t, r, p)
			for id, e := range r.all {
				if failed && !e.over && id != 7 && id != 9 {
					t.Errorf("stream %d was not reset with its connection", id)
				}
			}
		})
	}
}

// openStreams returns a connection with the streams that TestServerRules tells
// of. What is received is held.
func openStreams(t *testing.T) (*recorder, *peer) {
	r, p := newRecorder(Server, Options{}), newPeer()
	r.hold = true
	p.hello(Server)
	for id := uint32(1); id < 11; id += 2 {
		p.head(id, id == 3 || id == 7, with(get, "user-agent: t")...)
	}
	p.WriteRSTStream(5, http2.ErrCodeCancel)
	r.c.Receive(0, p.take())
	r.all[7].s.Respond(204)
	r.all[7].s.EndHead(true)
	r.all[9].s.Reset(Cancel)
	if r.c.Err() != nil {
		t.Fatal(r.c.Err())
	}
	r.takeLog()
	r.takeSent(t)
	return r, p
}

func TestPreface(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"HTTP/1":             {"GET / HTTP/1.1\r\n\r\n", "PROTOCOL_ERROR"},
		"wrong end":          {preface[:20] + "XX\r\n", "PROTOCOL_ERROR"},
		"no SETTINGS":        {preface + "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678", "PROTOCOL_ERROR"},
		"acknowledged first": {preface + "\x00\x00\x00\x04\x01\x00\x00\x00\x00", "PROTOCOL_ERROR"},
		"part":               {preface[:5], ""},
		"whole":              {preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00", ""},
		"part of a frame":    {preface + truncated, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(Server, Options{})
			r.c.Receive(0, []byte(test.in))
			got := ""
			if err := r.c.Err(); err != nil {
				got = err.Code.String()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
