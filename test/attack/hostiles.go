package attack

import (
	"errors"
	"io"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// errEnough makes a hostile backend close the connection.
var errEnough = errors.New("closing")

// Hostiles are the backends, in the order of the tests.
func Hostiles() []Hostile {
	var all []Hostile
	for _, some := range [][]Hostile{rudeBackends(), heads(), bodies(), endless()} {
		all = append(all, some...)
	}
	return all
}

// ok is the head of a sound response, with more fields.
func ok(pairs ...string) []hpack.HeaderField {
	return append(wire.Fields(":status", "200"), wire.Fields(pairs...)...)
}

// silent answers nothing.
func silent(*wire.Conn, uint32) error { return nil }

// rudeBackends break the connection.
func rudeBackends() []Hostile {
	setting := func(id http2.SettingID, value uint32) func(*wire.Conn) error {
		return func(c *wire.Conn) error { return c.Framer.WriteSettings(http2.Setting{ID: id, Val: value}) }
	}
	say := func(text string) func(*wire.Conn) error {
		return func(c *wire.Conn) error {
			_, err := io.WriteString(c, text)
			return errors.Join(err, c.Flush(), errEnough)
		}
	}
	return []Hostile{
		// CVE-2026-33814.
		{Name: "frames of no bytes", greet: setting(http2.SettingMaxFrameSize, 0), answer: silent},
		{Name: "window beyond its bound", greet: setting(http2.SettingInitialWindowSize, 1<<31), answer: silent},
		{Name: "answers by HTTP 1.1", greet: say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), answer: silent},
		{Name: "answers by noise", greet: say("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), answer: silent},
		{Name: "closes at once", greet: func(*wire.Conn) error { return errEnough }, answer: silent},
		{Name: "closes without an answer", answer: func(*wire.Conn, uint32) error { return errEnough }},
		{Name: "GOAWAY for all streams", answer: func(c *wire.Conn, _ uint32) error {
			return c.Framer.WriteGoAway(0, http2.ErrCodeNo, nil)
		}},
		{Name: "GOAWAY, and no answer then", answer: func(c *wire.Conn, stream uint32) error {
			return errors.Join(c.Framer.WriteGoAway(stream, http2.ErrCodeNo, nil), c.Flush(), errEnough)
		}},
		{Name: "GOAWAY that takes back", answer: func(c *wire.Conn, stream uint32) error {
			return errors.Join(c.Framer.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil),
				c.Framer.WriteGoAway(0, http2.ErrCodeNo, nil), c.Framer.WriteGoAway(stream, http2.ErrCodeNo, nil))
		}},
		{Name: "refuses each stream", answer: func(c *wire.Conn, stream uint32) error {
			return c.Framer.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
		}},
		{Name: "resets each stream", answer: func(c *wire.Conn, stream uint32) error {
			return c.Framer.WriteRSTStream(stream, http2.ErrCodeInternal)
		}},
		{Name: "window update beyond the bound", answer: func(c *wire.Conn, stream uint32) error {
			return c.Framer.WriteWindowUpdate(stream, 1<<31-1)
		}},
		{Name: "pushes", answer: func(c *wire.Conn, stream uint32) error {
			return c.Framer.WritePushPromise(http2.PushPromiseParam{StreamID: stream, PromiseID: 2, EndHeaders: true,
				BlockFragment: wire.Block(wire.Request("GET", host, "/pushed")...)})
		}},
		{Name: "answers a stream that is not open", answer: func(c *wire.Conn, stream uint32) error {
			return c.Headers(stream+200, true, ok()...)
		}},
	}
}

// heads are malformed (RFC 9113, section 8.3.2).
func heads() (all []Hostile) {
	for _, head := range []struct {
		name   string
		fields []hpack.HeaderField
	}{
		{"head without a status", wire.Fields("x", "y")},
		{"two statuses", append(wire.Fields(":status", "200"), ok()...)},
		{"status that is no number", wire.Fields(":status", "20x")},
		{"status of two digits", wire.Fields(":status", "20")},
		{"status 101", wire.Fields(":status", "101")},
		{"request's field in a response", append(wire.Fields(":path", "/"), ok()...)},
		{"status after a field", wire.Fields("x", "y", ":status", "200")},
		{"name in upper case", ok("X-Upper", "y")},
		{"name with a line break", ok("x\r\ny", "z")},
		{"value with a line break", ok("x", "y\r\nset-cookie: a=b")},
		{"value with NUL", ok("x", "y\x00")},
		{"connection field", ok("connection", "close")},
		{"transfer-encoding", ok("transfer-encoding", "chunked")},
		{"two lengths", ok("content-length", "1", "content-length", "2")},
		{"length that is no number", ok("content-length", "0x1")},
	} {
		all = append(all, Hostile{Name: head.name, answer: func(c *wire.Conn, stream uint32) error {
			return c.Headers(stream, true, head.fields...)
		}})
	}
	return append(all, Hostile{Name: "body without a head", answer: func(c *wire.Conn, stream uint32) error {
		return c.Framer.WriteData(stream, true, []byte("x"))
	}})
}

// bodies go wrong after a sound head.
func bodies() []Hostile {
	after := func(name string, fields []hpack.HeaderField, then func(*wire.Conn, uint32) error) Hostile {
		return Hostile{Name: name, Begun: true, answer: func(c *wire.Conn, stream uint32) error {
			return errors.Join(c.Headers(stream, false, fields...), then(c, stream))
		}}
	}
	reset := func(c *wire.Conn, stream uint32) error { return c.Framer.WriteRSTStream(stream, http2.ErrCodeInternal) }
	data := func(text string, end bool) func(*wire.Conn, uint32) error {
		return func(c *wire.Conn, stream uint32) error { return c.Framer.WriteData(stream, end, []byte(text)) }
	}
	trailers := func(pairs ...string) func(*wire.Conn, uint32) error {
		return func(c *wire.Conn, stream uint32) error { return c.Headers(stream, true, wire.Fields(pairs...)...) }
	}
	return []Hostile{
		after("reset after an interim response", wire.Fields(":status", "103"), reset),
		after("reset after the head", ok(), reset),
		after("reset within the body", ok(), func(c *wire.Conn, stream uint32) error {
			return errors.Join(data("x", false)(c, stream), reset(c, stream))
		}),
		after("closes within the body", ok(), func(c *wire.Conn, stream uint32) error {
			return errors.Join(data("x", false)(c, stream), c.Flush(), errEnough)
		}),
		after("body shorter than its length", ok("content-length", "5"), data("123", true)),
		after("body longer than its length", ok("content-length", "2"), data("123", true)),
		after("interim response that ends the stream", wire.Fields(":status", "103"), data("", true)),
		after("pseudo-header field in trailers", ok(), trailers(":status", "200")),
		after("trailers with a line break", ok(), trailers("x", "y\r\nz: 1")),
	}
}
