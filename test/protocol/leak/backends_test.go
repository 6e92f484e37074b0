package leak

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// badBackends are those that break off, or do not come to be connected to, by the
// path that leads to them.
var badBackends = []struct {
	path  string
	start func(*testing.T) string
}{
	{breakPath, breaking},
	{handshakePath, breakingHandshake},
	{dialPath, unreachable},
}

const (
	breakPath     = "/break"
	handshakePath = "/handshake"
	dialPath      = "/dial"
)

// backendPhases are where a connection to a backend is when that is gone, and what
// the client has of its answer then.
var backendPhases = []phase{
	{name: "before a head", sent: "POST /break/nothing" + head + "Content-Length: 3\r\n\r\nabc", awaits: "HTTP/1.1 50"},
	{name: "within the first line", sent: "POST /break/line" + head + "Content-Length: 3\r\n\r\nabc", awaits: "HTTP/1.1 50"},
	{name: "within a head", sent: "POST /break/head" + head + "Content-Length: 3\r\n\r\nabc", awaits: "HTTP/1.1 50"},
	{name: "within a body", sent: "GET /break/body" + head + "\r\n", act: untilEnd},
	{name: "within a chunk", sent: "GET /break/chunk" + head + "\r\n", act: untilEnd},
	{name: "within a trailer", sent: "GET /break/trailer" + head + "\r\n", act: untilEnd},
	{name: "behind 103", sent: "POST /break/103" + head + "Content-Length: 3\r\n\r\nabc", awaits: "HTTP/1.1 103"},
	{name: "behind 100", sent: "POST /break/100" + head + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", awaits: "HTTP/1.1 100"},
	{name: "in a tunnel", sent: "GET /break/101" + head + "Connection: Upgrade\r\nUpgrade: x\r\n\r\n", awaits: "HTTP/1.1 101", act: untilEnd},
	{name: "within the request's body", sent: "POST /break/early" + head + "Content-Length: 1000000\r\n\r\nabc", act: untilEnd},
	{name: "within a handshake", sent: "GET /handshake" + head + "\r\n", awaits: "HTTP/1.1 50"},
	{name: "to HTTP/2, within a body", sent: hello + request(1, "/break/body"), act: awaitFrame(frameReset)},
	{name: "to HTTP/2, before a head", sent: hello + post(1, "/break/nothing") + frame(frameData, endStream, 1, "abc"), act: awaitFrame(frameHeaders)},
	// The one before is answered when the next one is begun.
	{name: "while it is dialled", sent: "GET /" + head + "\r\nGET /dial" + head + "\r\n", awaits: "HTTP/1.1 200", breaks: true},
	{name: "while it is dialled, by HTTP/2", sent: hello + request(1, "/dial") + request(3, "/"), act: awaitFrame(frameData), breaks: true},
}

// untilEnd reads what comes; how it ends is the backend's matter.
func untilEnd(c net.Conn) error {
	_, _ = io.Copy(io.Discard, c)
	return nil
}

// partial is what the backend says before it is gone.
var partial = map[string]string{
	"nothing": "",
	"line":    "HTTP/1.1 2",
	"head":    "HTTP/1.1 200 OK\r\nContent-Le",
	"body":    "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc",
	"chunk":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
	"trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
	"103":     "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
	"100":     "HTTP/1.1 100 Continue\r\n\r\n",
	"101":     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nabc",
	"early":   "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
}

// breaking is gone within its answer, as the path says: by a reset every other
// time.
func breaking(t *testing.T) string {
	var resets toggle
	return serve(listen(t), func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		io.WriteString(c, partial[strings.TrimPrefix(r.URL.Path, breakPath+"/")])
		if resets.next() {
			reset(c)
		}
	})
}

// breakingHandshake is gone behind the proxy's hello, or within an answer to it.
func breakingHandshake(t *testing.T) string {
	var resets, answers toggle
	return serve(listen(t), func(c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
			return
		}
		if answers.next() {
			io.WriteString(c, "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")
		}
		if resets.next() {
			reset(c)
		}
	})
}

// unreachable is an address that answers no SYN: its queue is full.
func unreachable(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "queue")
	t.Cleanup(func() { file.Close() })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	for {
		c, err := net.DialTimeout("tcp", at.String(), fullAfter)
		if err != nil {
			return at.String()
		}
		t.Cleanup(func() { c.Close() })
	}
}

// fullAfter is how long a dial may take before the queue is believed to be full.
const fullAfter = 500 * time.Millisecond

// toggle is true every other time. It is safe for concurrent use.
type toggle struct{ n atomic.Int64 }

func (t *toggle) next() bool { return t.n.Add(1)%2 == 0 }
