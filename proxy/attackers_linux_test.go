package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Four times the limit is asked for by each kind of attackers.
const askedInAll = 4 * memoryLimit

// attackers are the kinds of clients that ask for it.
var attackers = []struct {
	name  string
	begin func(*attack)
}{
	{"heads, answers and streams that nobody takes", (*attack).mixed},
	{"TLS handshakes", (*attack).handshakes},
	{"WebSockets", (*attack).webSockets},
	{"uploads to a slow backend", (*attack).uploads},
	{"HTTP/2 streams", (*attack).streams},
	{"TCP connections", (*attack).connections},
	{"requests", (*attack).requests},
}

// mixed is heads that never end, large bodies that nobody reads, and HTTP/2
// streams without a window.
func (a *attack) mixed() {
	const headBytes, streamsOfEach = 15 << 10, 90
	for range 800 {
		a.client(a.c.plain, "GET / HTTP/1.1\r\nHost: a\r\nx: "+strings.Repeat("x", headBytes), headBytes)
	}
	for range 400 {
		a.client(a.c.plain, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", 64<<10)
	}
	for range 40 {
		a.client(a.c.plain, stalledStreams(streamsOfEach), streamsOfEach*64<<10)
	}
}

// handshakes is clients that take the answer to their hello and never go on,
// beside those whose hello, of the greatest length, does not come to its end.
func (a *attack) handshakes() {
	const ofOne, ofLong = 32 << 10, 64 << 10
	hello, endless := clientHello(), endlessHello()
	for range askedInAll / 4 / ofOne {
		a.client(a.c.secure, hello, ofOne)
	}
	for range askedInAll / 4 * 3 / ofLong {
		a.client(a.c.secure, endless, ofLong)
	}
}

// endlessHello is records of a ClientHello, the last of which is missing.
func endlessHello() string {
	hello := "\x01\x00\xff\xff" + strings.Repeat("x", 60<<10)
	var out []byte
	for len(hello) > 0 {
		n := min(len(hello), 16<<10)
		out = append(out, 0x16, 3, 1, byte(n>>8), byte(n))
		out = append(out, hello[:n]...)
		hello = hello[n:]
	}
	return string(out)
}

// clientHello is what crypto/tls says first.
func clientHello() string {
	c := &deaf{}
	_ = tls.Client(c, &tls.Config{ServerName: "a", InsecureSkipVerify: true}).Handshake()
	return c.said.String()
}

// deaf keeps what is written, and has nothing to read.
type deaf struct {
	net.Conn
	said bytes.Buffer
}

var errDeaf = errors.New("nothing to read")

func (d *deaf) Write(b []byte) (int, error) { return d.said.Write(b) }
func (d *deaf) Read([]byte) (int, error)    { return 0, errDeaf }

// stalledEach is what a stalled direction of a tunnel or a body may be kept of.
const stalledEach = 64 << 10

// tonsOf is more than anybody keeps.
var tonsOf = strings.Repeat("x", 1<<20)

// webSockets is tunnels that both sides write into and neither reads from.
func (a *attack) webSockets() {
	const upgrade = "GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	for range askedInAll / (2 * stalledEach) {
		a.client(a.c.plain, upgrade+tonsOf, 2*stalledEach)
	}
}

// connections is the same without HTTP.
func (a *attack) connections() {
	for range askedInAll / (2 * stalledEach) {
		a.client(a.c.raw, tonsOf, 2*stalledEach)
	}
}

// uploads is bodies of a known length, which can be spliced, and chunked ones,
// to a backend that does not read them.
func (a *attack) uploads() {
	const head = "POST /slow HTTP/1.1\r\nHost: a\r\n"
	known := fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(tonsOf), tonsOf)
	chunked := fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(tonsOf), tonsOf)
	for i := range askedInAll / stalledEach {
		if i%2 == 0 {
			a.client(a.c.plain, known, stalledEach)
		} else {
			a.client(a.c.plain, chunked, stalledEach)
		}
	}
}

// streams is uploads by HTTP/2, as many and as much of each as the windows of a
// connection take.
func (a *attack) streams() {
	const ofEach = 15
	hello := uploadingStreams(ofEach)
	for range askedInAll / (ofEach * stalledEach) {
		a.client(a.c.plain, hello, ofEach*stalledEach)
	}
}

// requests is requests without a pause, on connections that wait for no answer:
// four times as many connections are busy as can be in an hour.
func (a *attack) requests() {
	many := strings.Repeat("GET /small HTTP/1.1\r\nHost: a\r\n\r\n", 5000)
	for range 400 {
		a.client(a.c.plain, many, 0)
	}
}

// preface is how a client of HTTP/2 begins.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// stalledStreams is what an HTTP/2 client sends that asks for bodies and has no
// window for them.
func stalledStreams(n int) string {
	// SETTINGS_INITIAL_WINDOW_SIZE is zero.
	out := appendFrame([]byte(preface), 4, 0, 0, "\x00\x04\x00\x00\x00\x00")
	for i := range n {
		// GET, http and authority "a" by the static table; a path of its own.
		out = appendFrame(out, 1, 5, uint32(2*i+1), "\x82\x86\x41\x01a\x04\x06/large")
	}
	return string(out)
}

// uploadingStreams is what one sends that has bodies for a slow backend, in turns.
func uploadingStreams(n int) string {
	const piece = 16 << 10
	out := appendFrame([]byte(preface), 4, 0, 0, "")
	for i := range n {
		// POST.
		out = appendFrame(out, 1, 4, uint32(2*i+1), "\x83\x86\x41\x01a\x04\x05/slow")
	}
	for range stalledEach / piece {
		for i := range n {
			out = appendFrame(out, 0, 0, uint32(2*i+1), tonsOf[:piece])
		}
	}
	return string(out)
}

// hostage is the backend of the attackers' requests.
func hostage(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/large":
		_, _ = w.Write([]byte(tonsOf))
	case "/slow":
		hijacked(w, nil)
	case "/tunnel":
		hijacked(w, []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"+tonsOf))
	}
}

// hijacked says something on a request's connection, and reads nothing, until the
// other side is gone.
func hijacked(w http.ResponseWriter, say []byte) {
	nc, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer nc.Close()
	hold(nc.(*net.TCPConn), say)
}

// hold says something, and reads nothing, until the other side is gone.
func hold(nc *net.TCPConn, say []byte) {
	limitBuffers(nc)
	if _, err := nc.Write(say); err == nil {
		untilOver(nc)
	}
}

// startHostage starts a backend that says something on each connection, and reads
// nothing.
func startHostage(t *testing.T) (port int) {
	return startTCP(t, func(nc *net.TCPConn) { hold(nc, []byte(tonsOf)) })
}

// startTCP starts a backend that serves each connection by itself, and closes it
// afterwards.
func startTCP(t *testing.T, serve func(*net.TCPConn)) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				serve(nc.(*net.TCPConn))
			}()
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port
}
