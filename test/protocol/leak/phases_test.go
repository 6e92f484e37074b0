package leak

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// What clients of TLS offer.
var (
	tls12 = &tls.Config{ServerName: host, InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	tls13 = &tls.Config{ServerName: host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
	other = &tls.Config{ServerName: "b.example", InsecureSkipVerify: true}
	h2    = &tls.Config{ServerName: host, InsecureSkipVerify: true, NextProtos: []string{"h2"}}
)

// tlsPhases are those of a handshake, flight by flight, and of what follows it.
var tlsPhases = slices.Concat(handshakePhases("TLS 1.2", tls12), handshakePhases("TLS 1.3", tls13), []phase{
	{name: "with another protocol", sent: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{name: "within a record", act: secured(tls13, func(c *tls.Conn) error {
		_, err := io.WriteString(c.NetConn(), "\x17\x03\x03\x01\x00abc")
		return err
	})},
	{name: "within a head", act: secured(tls12, says("GET / HTTP/1.1\r\nHo"))},
	{name: "within a body", act: secured(tls13, says("POST /upload"+head+"Content-Length: 10\r\n\r\nabc"))},
	{name: "within a long answer", act: secured(tls13, asks("GET /download/100000000"+head+"\r\n", "HTTP/1.1 200"))},
	{name: "behind an answer", act: secured(tls12, asks("GET /"+head+"\r\n", "HTTP/1.1 200"))},
	{name: "in a tunnel", act: secured(tls13, asks("GET /tunnel"+head+"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101"))},
	{name: "behind close_notify", act: secured(tls13, (*tls.Conn).CloseWrite)},
	{name: "within HTTP/2's preface", act: secured(h2, says(preface[:10]))},
	{name: "behind HTTP/2's settings", act: secured(h2, asks(preface+frame(frameSettings, 0, 0, ""), "\x00\x00"))},
})

// passthroughPhases are those of a hello that the proxy reads, and of a session
// that it does not.
var passthroughPhases = slices.Concat(handshakePhases("TLS 1.2", tls12), handshakePhases("TLS 1.3", tls13), []phase{
	{name: "with another protocol", sent: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{name: "for nobody", act: handshake(other, 1, false)},
	{name: "behind the handshake", act: secured(tls13, func(*tls.Conn) error { return nil })},
	{name: "with data under way", act: secured(tls13, says(strings.Repeat("x", 100_000)))},
	{name: "behind an echo", act: secured(tls12, asks("hello", "hello"))},
	{name: "behind close_notify", act: secured(tls13, (*tls.Conn).CloseWrite)},
})

// handshakePhases are within and behind each of the client's flights.
func handshakePhases(name string, config *tls.Config) []phase {
	return []phase{
		{name: name + ", before a hello"},
		{name: name + ", within the hello's record header", sent: "\x16\x03"},
		{name: name + ", within the hello", act: handshake(config, 1, true)},
		{name: name + ", behind the hello", act: handshake(config, 1, false)},
		{name: name + ", within the second flight", act: handshake(config, 2, true)},
		{name: name + ", behind the second flight", act: handshake(config, 2, false)},
	}
}

// handshake goes on with a handshake until a write of the client's, of which half
// may be missing, and waits for the answer to its hello.
func handshake(config *tls.Config, write int, half bool) func(net.Conn) error {
	return func(c net.Conn) error {
		err := tls.Client(&cut{Conn: c, left: write, half: half}, config).Handshake()
		// A client that is not served, and one whose handshake had no more than
		// these flights, know nothing of the cut.
		if err == nil || errors.Is(err, errCut) || errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
}

var errCut = errors.New("cut")

// cut is a connection whose last writes do not come through.
type cut struct {
	net.Conn
	left int
	half bool
}

func (c *cut) Write(b []byte) (int, error) {
	switch c.left--; {
	case c.left < 0:
		return 0, errCut
	case c.left == 0 && c.half:
		_, _ = c.Conn.Write(b[:len(b)/2])
		return 0, errCut
	}
	return c.Conn.Write(b)
}

// secured goes on within TLS.
func secured(config *tls.Config, act func(*tls.Conn) error) func(net.Conn) error {
	return func(c net.Conn) error {
		s := tls.Client(c, config)
		if err := s.Handshake(); err != nil {
			return err
		}
		return act(s)
	}
}

func says(s string) func(*tls.Conn) error {
	return func(c *tls.Conn) error { _, err := io.WriteString(c, s); return err }
}

func asks(s, answer string) func(*tls.Conn) error {
	return func(c *tls.Conn) error {
		if _, err := io.WriteString(c, s); err != nil {
			return err
		}
		got := make([]byte, len(answer))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != answer {
			return fmt.Errorf("got %q: %w", got, err)
		}
		return nil
	}
}

// The frames of HTTP/2 (RFC 9113, section 6) and their flags.
const (
	frameData, frameHeaders, frameReset, frameSettings, frameGoAway, frameContinuation = 0, 1, 3, 4, 7, 9

	endStream, endHeaders = 1, 4

	preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	hello   = preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
)

func frame(kind, flags byte, stream uint32, payload string) string {
	n := len(payload)
	out := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return string(binary.BigEndian.AppendUint32(out, stream)) + payload
}

// fields are those of a request for a path, by HPACK's static table (RFC 7541,
// appendix A) where it has them: method 2 is GET, 3 is POST.
func fields(method byte, path string) string {
	return string([]byte{0x80 | method, 0x86}) + "\x41" + string([]byte{byte(len(host))}) + host + "\x04" + string([]byte{byte(len(path))}) + path
}

func request(stream uint32, path string) string {
	return frame(frameHeaders, endStream|endHeaders, stream, fields(2, path))
}

func post(stream uint32, path string) string {
	return frame(frameHeaders, endHeaders, stream, fields(3, path))
}

var connect = frame(frameHeaders, endHeaders, 1,
	"\x42\x07CONNECT\x86\x41\x09"+host+"\x04\x07/tunnel\x00\x09:protocol\x09websocket")

// http2Phases are those of a connection with prior knowledge.
var http2Phases = []phase{
	{name: "within the preface", sent: preface[:12]},
	{name: "behind the preface", sent: preface},
	{name: "behind the settings", sent: hello, act: awaitFrame(frameSettings)},
	{name: "within a frame's header", sent: hello + "\x00\x00"},
	{name: "within HEADERS", sent: hello + request(1, "/hang")[:15]},
	{name: "between HEADERS and CONTINUATION", sent: hello + frame(frameHeaders, endStream, 1, fields(2, "/hang"))},
	{name: "within CONTINUATION", sent: hello + frame(frameHeaders, endStream, 1, fields(2, "/hang")) + frame(frameContinuation, endHeaders, 1, "\x00\x01x\x01y")[:11]},
	{name: "behind CONTINUATION", sent: hello + frame(frameHeaders, endStream, 1, fields(2, "/hang")) + frame(frameContinuation, endHeaders, 1, "\x00\x01x\x01y")},
	{name: "behind HEADERS", sent: hello + request(1, "/hang")},
	{name: "before DATA", sent: hello + post(1, "/upload")},
	{name: "within DATA", sent: hello + post(1, "/upload") + frame(frameData, 0, 1, strings.Repeat("x", 1000))[:500]},
	{name: "between DATA", sent: hello + post(1, "/upload") + frame(frameData, 0, 1, strings.Repeat("x", 1000))},
	{name: "with DATA that nobody reads", sent: hello + post(1, "/hang") + frame(frameData, endStream, 1, strings.Repeat("x", 1000))},
	{name: "within a trailer", sent: hello + post(1, "/upload") + frame(frameData, 0, 1, "abc") + frame(frameHeaders, endStream, 1, "\x00\x01x\x01y")},
	{name: "behind RST_STREAM", sent: hello + request(1, "/hang") + frame(frameReset, 0, 1, "\x00\x00\x00\x08")},
	{name: "behind RST_STREAM within a body", sent: hello + post(1, "/upload") + frame(frameData, 0, 1, "abc") + frame(frameReset, 0, 1, "\x00\x00\x00\x08")},
	{name: "behind an answer", sent: hello + request(1, "/"), act: awaitFrame(frameHeaders)},
	{name: "within a long answer", sent: hello + request(1, "/download/100000000"), act: awaitFrame(frameData)},
	{name: "among answers", sent: hello + request(1, "/") + request(3, "/part") + post(5, "/upload") + request(7, "/hang"), act: awaitFrame(frameData)},
	{name: "in a tunnel", sent: hello + connect, act: awaitFrame(frameHeaders)},
	{name: "in a tunnel with bytes under way", sent: hello + connect + frame(frameData, 0, 1, "abc"), act: awaitFrame(frameData)},
	{name: "behind GOAWAY of its own", sent: hello + request(1, "/hang") + frame(frameGoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x00")},
	{name: "behind an error of the connection", sent: hello + frame(frameData, 0, 1, "x"), act: awaitFrame(frameGoAway)},
}

// awaitFrame reads frames until one of a kind.
func awaitFrame(kind byte) func(net.Conn) error {
	return func(c net.Conn) error {
		for {
			var h [9]byte
			if _, err := io.ReadFull(c, h[:]); err != nil {
				return fmt.Errorf("before a frame of kind %d: %w", kind, err)
			}
			if h[3] == kind {
				return nil
			}
			if _, err := io.CopyN(io.Discard, c, int64(h[0])<<16|int64(h[1])<<8|int64(h[2])); err != nil {
				return err
			}
		}
	}
}

// tcpPhases are those of a connection that is forwarded.
var tcpPhases = []phase{
	{name: "before a byte"},
	{name: "behind a byte", sent: "x"},
	{name: "behind an echo", sent: "hello", awaits: "hello"},
	{name: "with much under way", sent: strings.Repeat("x", 200_000), awaits: "x"},
	{name: "behind its own end", sent: "hello", awaits: "hello", act: func(c net.Conn) error { return c.(*net.TCPConn).CloseWrite() }},
	{name: "behind both ends", sent: "hello", act: func(c net.Conn) error {
		err := c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
		return err
	}},
}

const (
	headerV1 = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
	headerV2 = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x01\x00\x02"
)

// proxiedPhases are those of a header of the PROXY protocol, and of what follows.
var proxiedPhases = []phase{
	{name: "before a header"},
	{name: "within a header of version 1", sent: headerV1[:20]},
	{name: "within the signature of version 2", sent: headerV2[:7]},
	{name: "within the addresses of version 2", sent: headerV2[:20]},
	{name: "behind a header of version 1", sent: headerV1},
	{name: "behind a header of version 2", sent: headerV2},
	{name: "without a header", sent: "GET /" + head + "\r\n"},
	{name: "within a head", sent: headerV1 + "GET / HT"},
	{name: "while the backend is silent", sent: headerV2 + "GET /hang" + head + "\r\n"},
	{name: "within a body", sent: headerV1 + "POST /upload" + head + "Content-Length: 10\r\n\r\nabc"},
	{name: "behind an answer", sent: headerV2 + "GET /" + head + "\r\n", awaits: "HTTP/1.1 200"},
	{name: "within a long answer", sent: headerV1 + "GET /download/100000000" + head + "\r\n", awaits: "HTTP/1.1 200"},
	{name: "in a tunnel", sent: headerV2 + "GET /tunnel" + head + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", awaits: "HTTP/1.1 101"},
	{name: "within HTTP/2", sent: headerV1 + hello + post(1, "/upload") + frame(frameData, 0, 1, "abc"), act: awaitFrame(frameSettings)},
}

// datagramPhases are those of a session. Each has a datagram at least: without one
// there is no session.
var datagramPhases = []phase{
	{name: "behind a datagram", sent: "x"},
	{name: "behind an answer", act: echoed("hello")},
	{name: "with some under way", act: func(c net.Conn) error {
		err := echoed("a")(c)
		for range 5 {
			_, _ = io.WriteString(c, "b")
		}
		return err
	}},
}

// resendAfter is how long an answer is waited for before the datagram is taken for
// lost.
const resendAfter = 200 * time.Millisecond

// echoed sends a datagram until it comes back. What comes before it was for who had
// the port before.
func echoed(want string) func(net.Conn) error {
	return func(c net.Conn) error {
		b := make([]byte, 64)
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
			_, _ = io.WriteString(c, want)
			_ = c.SetReadDeadline(time.Now().Add(resendAfter))
			for {
				n, err := c.Read(b)
				if err != nil {
					break
				}
				if string(b[:n]) == want {
					return nil
				}
			}
		}
		return fmt.Errorf("%q never came back", want)
	}
}
