package exchange

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

// body is one of an announced length that comes in parts, each a frame of DATA. The
// last of them ends it, or trailers do.
type body struct {
	name     string
	length   int
	parts    []string
	trailers bool
}

func (b body) text() string { return strings.Join(b.parts, "") }

var (
	wholeBodies = []body{
		{"in one frame", 5, []string{"12345"}, false},
		{"in two frames", 5, []string{"123", "45"}, false},
		{"of one byte, and its end", 1, []string{"1", ""}, false},
		{"and its end", 5, []string{"12345", ""}, false},
		{"and trailers", 5, []string{"12345"}, true},
		{"of nothing, and its end", 0, []string{""}, false},
		{"of nothing, and trailers", 0, nil, true},
	}
	wrongBodies = []body{
		{"too long within a frame", 5, []string{"123", "45678"}, false},
		{"too long by a later frame", 5, []string{"12345", "678", ""}, false},
		{"too long by a last frame", 5, []string{"12345", "678"}, false},
		{"too long by a last frame, after one byte", 1, []string{"1", "2"}, false},
		{"too short", 5, []string{"123"}, false},
		{"too short by one byte, and its end", 5, []string{"1234", ""}, false},
		{"too short, with trailers", 5, []string{"123"}, true},
		{"not of nothing", 0, []string{"GET / HTTP/1.1\r\n\r\n"}, false},
		{"not of nothing, by a last frame", 0, []string{"x", ""}, false},
	}
)

// sends has a client send the body on a stream whose head has gone, each frame in a
// turn of its own, until it is told to stop.
func (b body) sends(c *browser, s *h2.Stream) {
	for i, part := range b.parts {
		if c.resets > 0 {
			return
		}
		s.Send([]byte(part), !b.trailers && i == len(b.parts)-1)
		c.pump()
	}
	if b.trailers {
		s.SendTrailers([]byte("x-sum: 1\r\n"))
		c.pump()
	}
}

// request sends a request with the body, to a backend that is there before it or
// after.
func (b body) request(w *world, c *browser, early bool) {
	target := browserTarget
	target.Method = []byte("POST")
	s := c.conn.Open(c, &target)
	s.Field(contentLength, []byte(strconv.Itoa(b.length)))
	s.EndHead(false)
	c.pump()
	connects := func() {
		if w.fake.up != nil && !w.fake.up.dead {
			w.connected()
			c.pump()
		}
	}
	if early {
		connects()
	}
	b.sends(c, s)
	if !early || b.length == 0 {
		connects()
	}
}

// got is what a backend got of a body, and whether it can take it for whole.
func (c *fakeConn) got(t *testing.T, protocol string, length int) (text string, whole bool) {
	t.Helper()
	if protocol == proxyconfig.BackendHTTP2 {
		return gotByFrames(t, c.sent.String())
	}
	_, text, _ = strings.Cut(c.sent.String(), "\r\n\r\n")
	return text, c.sent.Len() > 0 && len(text) >= length
}

func gotByFrames(t *testing.T, sent string) (text string, whole bool) {
	t.Helper()
	sent = strings.TrimPrefix(sent, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	for len(sent) >= 9 {
		n := int(binary.BigEndian.Uint32([]byte("\x00" + sent[:3])))
		kind, ends := sent[3], sent[4]&1 != 0
		switch kind {
		case 0:
			text += sent[9 : 9+n]
			whole = ends
		case 1:
			whole = ends
		case 3:
			whole = false
		}
		sent = sent[9+n:]
	}
	return text, whole
}

// eachRequest makes requests with each of some bodies to a backend of each protocol,
// before and after it is connected.
func eachRequest(t *testing.T, bodies []body, judge func(t *testing.T, w *world, c *browser, b body, protocol string)) {
	for _, protocol := range []string{proxyconfig.BackendHTTP1, proxyconfig.BackendHTTP2} {
		for _, b := range bodies {
			for _, early := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/%v", protocol, b.name, early), func(t *testing.T) {
					w := newWorldBy(protocol, 1, proxyconfig.Rule{})
					c := newBrowser(w)
					b.request(w, c, early)
					judge(t, w, c, b, protocol)
				})
			}
		}
	}
}

// A request whose body is not as long as it says is malformed, and must not be
// forwarded (RFC 9113, section 8.1.1): no backend takes what it has got of it for the
// whole, nor gets a byte beyond.
func TestBodiesOfAnotherLengthAreNotForwarded(t *testing.T) {
	eachRequest(t, wrongBodies, func(t *testing.T, w *world, c *browser, b body, protocol string) {
		if c.resets != 1 || c.code != h2.ProtocolError || c.answers != 0 {
			t.Errorf("got %d resets with %v, %d answers", c.resets, c.code, c.answers)
		}
		for _, up := range w.fake.all {
			text, whole := up.got(t, protocol, b.length)
			if whole || len(text) > b.length || !strings.HasPrefix(b.text(), text) {
				t.Errorf("the backend got %q, whole: %v", text, whole)
			}
			if protocol == proxyconfig.BackendHTTP1 && !up.dead {
				t.Error("the connection is kept")
			}
		}
	})
}

// What is as long as it says is forwarded to its last byte, and the connection kept.
func TestBodiesOfTheirLengthAreForwarded(t *testing.T) {
	eachRequest(t, wholeBodies, func(t *testing.T, w *world, c *browser, b body, protocol string) {
		if text, whole := w.backend().got(t, protocol, b.length); !whole || text != b.text() {
			t.Errorf("the backend got %q, whole: %v", text, whole)
		}
		if c.resets != 0 || w.backend().dead {
			t.Errorf("%d resets, the connection is closed: %v", c.resets, w.backend().dead)
		}
	})
}

// frame is a frame of the first stream.
func frame(kind, flags byte, payload string) string { return frameOn(1, kind, flags, payload) }

func frameOn(stream uint32, kind, flags byte, payload string) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	return string(binary.BigEndian.AppendUint32(append(head, flags), stream)) + payload
}

// answers has an HTTP/2 backend answer with the body, each frame in a turn of its own.
func (b body) answers(w *world, turn func()) {
	says := func(frame string) {
		w.says(frame)
		turn()
	}
	length := strconv.Itoa(b.length)
	says(plainSettings + frame(1, 4, "\x88\x0f\x0d"+string(rune(len(length)))+length))
	for i, part := range b.parts {
		var flags byte
		if !b.trailers && i == len(b.parts)-1 {
			flags = 1
		}
		says(frame(0, flags, part))
	}
	if b.trailers {
		says(frame(1, 5, "\x00\x05x-sum\x011"))
	}
}

// The same holds for responses. An HTTP/1 client cannot be told of more than it has
// taken for the whole but by the end of its connection.
func TestResponsesOfAnotherLengthAreNotForwarded(t *testing.T) {
	for _, b := range wrongBodies {
		t.Run("to HTTP/2/"+b.name, func(t *testing.T) {
			w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
			c := newBrowser(w)
			c.get()
			w.connected()
			b.answers(w, c.pump)
			if c.resets != 1 || c.answers != 0 || c.data > b.length {
				t.Errorf("got %d resets, %d answers, %d bytes", c.resets, c.answers, c.data)
			}
			if !strings.Contains(w.backend().sent.String(), frame(3, 0, "\x00\x00\x00\x01")) {
				t.Error("the backend was not told")
			}
		})
		t.Run("to HTTP/1/"+b.name, func(t *testing.T) {
			w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
			w.client(get)
			w.connected()
			b.answers(w, func() {})
			_, text, _ := strings.Cut(w.fake.client.sent.String(), "\r\n\r\n")
			if len(text) > b.length || !strings.HasPrefix(b.text(), text) || !w.fake.client.dead {
				t.Errorf("got %q, the connection is kept: %v", text, !w.fake.client.dead)
			}
		})
	}
}

func TestResponsesOfTheirLengthAreForwarded(t *testing.T) {
	for _, b := range wholeBodies {
		t.Run("to HTTP/2/"+b.name, func(t *testing.T) {
			w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
			c := newBrowser(w)
			c.get()
			w.connected()
			b.answers(w, c.pump)
			if c.resets != 0 || c.answers != 1 || c.data != b.length {
				t.Errorf("got %d resets, %d answers, %d bytes", c.resets, c.answers, c.data)
			}
		})
		t.Run("to HTTP/1/"+b.name, func(t *testing.T) {
			w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
			w.client(get)
			w.connected()
			b.answers(w, func() {})
			head, text, _ := strings.Cut(w.fake.client.sent.String(), "\r\n\r\n")
			if text != b.text() || !strings.Contains(head, fmt.Sprintf("\r\nContent-Length: %d", b.length)) || w.fake.client.dead {
				t.Errorf("got %q %q, the connection is kept: %v", head, text, !w.fake.client.dead)
			}
		})
	}
}
