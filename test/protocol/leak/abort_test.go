package leak

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fleetgate/fleetgate/internal/long"
)

const head = " HTTP/1.1\r\nHost: a.example\r\n"

// phase is where a connection is when its client is gone: what was sent, and what
// the client waits for first.
type phase struct {
	name, sent, awaits string
	// act, where it is set, goes on from there.
	act func(net.Conn) error
	// breaks has the client be gone by a reset alone.
	breaks bool
}

// requestPhases are those of HTTP/1.1.
var requestPhases = []phase{
	{name: "before a head"},
	{name: "within a head", sent: "GET / HTTP/1.1\r\nHost: a.exam"},
	{name: "within the first line", sent: "GE"},
	{name: "behind a head", sent: "GET /hang" + head + "\r\n"},
	{name: "before a body", sent: "POST /upload" + head + "Content-Length: 10\r\n\r\n"},
	{name: "within a body", sent: "POST /upload" + head + "Content-Length: 10\r\n\r\nabc"},
	{name: "within a chunk", sent: "POST /upload" + head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc"},
	{name: "within a chunk's size", sent: "POST /upload" + head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n1"},
	{name: "within a trailer", sent: "POST /upload" + head + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: "},
	{name: "before 100-continue", sent: "POST /upload" + head + "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n"},
	{name: "while the backend is silent", sent: "POST /hang" + head + "Content-Length: 3\r\n\r\nabc"},
	{name: "within an answer", sent: "GET /part" + head + "\r\n", awaits: "HTTP/1.1 200"},
	{name: "within a long answer", sent: "GET /download/100000000" + head + "\r\n", awaits: "HTTP/1.1 200"},
	{name: "behind an answer", sent: "GET /" + head + "\r\n", awaits: "HTTP/1.1 200"},
	{name: "among pipelined requests", sent: strings.Repeat("GET /"+head+"\r\n", 5), awaits: "HTTP/1.1 200"},
	{name: "behind a refusal", sent: "GET /x y" + head + "\r\n", awaits: "HTTP/1.1 400"},
	{name: "in a tunnel", sent: "GET /tunnel" + head + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", awaits: "HTTP/1.1 101"},
	{name: "in a tunnel with bytes under way", sent: "GET /tunnel" + head + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + strings.Repeat("x", 5000), awaits: "HTTP/1.1 101"},
}

// reach sends and awaits what brings a connection into the phase.
func (p *phase) reach(c net.Conn) error {
	// The proxy may have ended it before.
	_, _ = io.WriteString(c, p.sent)
	got := make([]byte, len(p.awaits))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != p.awaits {
		return fmt.Errorf("got %q: %w", got, err)
	}
	if p.act != nil {
		return p.act(c)
	}
	return nil
}

// abort opens a connection, brings it into one of the phases and is gone: by a
// reset, or by closing in an orderly way every other time.
func abort(addr string, phases []phase, i int) error {
	p := &phases[i%len(phases)]
	c, err := dial(addr)
	if err != nil {
		return err
	}
	if err := p.reach(c); err != nil {
		c.Close()
		return fmt.Errorf("%s: %w", p.name, err)
	}
	if i/len(phases)%2 == 0 && !p.breaks {
		return c.Close()
	}
	return reset(c)
}

// aborters is how many connections are open at a time.
const aborters = 16

func abortMany(t *testing.T, addr string, phases []phase, n int) {
	t.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range aborters {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !t.Failed(); i = int(next.Add(1)) - 1 {
				if err := abort(addr, phases, i); err != nil {
					t.Errorf("connection %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
}

// kinds are what connections are aborted of, by the listener.
var kinds = []struct {
	name, listener string
	phases         []phase
	// n is how many are aborted in the short form.
	n int
}{
	{"Aborted connections", "http", requestPhases, 2_000},
	{"Aborted TLS connections", "https", tlsPhases, 600},
	{"Aborted HTTP2 connections", "http", http2Phases, 1_000},
	{"Aborted connections passed through", "passthrough", passthroughPhases, 600},
	{"Aborted TCP connections", "tcp", tcpPhases, 1_000},
	{"Aborted connections with a PROXY header", "proxied", proxiedPhases, 1_000},
	{"Aborted UDP sessions", "udp", datagramPhases, 1_000},
	{"Connections aborted by backends", "http", backendPhases, 1_000},
}

// Connections that were aborted in every phase leave nothing behind.
func TestAbortedConnections(t *testing.T) {
	for _, k := range kinds {
		t.Run(strings.ReplaceAll(k.name, " ", ""), func(t *testing.T) {
			n := long.N(k.n, 1_000_000)
			p, addr := startAll(t, k.listener)
			before := costsOf(p)
			// What the proxy allocates once, for all that come after.
			abortMany(t, addr, k.phases, k.n/2)
			settle(t, p, before)
			memory := p.Usage().RssAnon
			abortMany(t, addr, k.phases, n)
			settle(t, p, before)
			after := p.Usage().RssAnon
			// A heap may be twice as large for a while before it is collected.
			if after > memory+16<<20 {
				t.Errorf("anonymous memory grew from %d to %d KiB", memory>>10, after>>10)
			}
			c, err := net.Dial("tcp", p.Addr("http"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := get(c); err != nil {
				t.Errorf("a client afterwards: %v", err)
			}
			long.Report(t, k.name, n, fmt.Sprintf("%+v before and %+v after; anonymous memory %d KiB before and %d KiB after", before, costsOf(p), memory>>10, after>>10))
		})
	}
}
