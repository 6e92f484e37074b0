package leak

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fleetgate/fleetgate/test/protocol/long"
)

const head = " HTTP/1.1\r\nHost: a.example\r\n"

// phases are where a connection is when its client is gone: what was sent, and
// what the client waits for first.
var phases = []struct{ name, sent, awaits string }{
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

// abort opens a connection, brings it into the phase and is gone: by a reset, or
// by closing in an orderly way every other time.
func abort(addr string, i int) error {
	phase := phases[i%len(phases)]
	c, err := dial(addr)
	if err != nil {
		return err
	}
	// The proxy may have ended it before.
	_, _ = io.WriteString(c, phase.sent)
	if phase.awaits != "" {
		got := make([]byte, len(phase.awaits))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != phase.awaits {
			c.Close()
			return fmt.Errorf("%s: got %q: %w", phase.name, got, err)
		}
	}
	if i/len(phases)%2 == 0 {
		return c.Close()
	}
	return reset(c)
}

// aborters is how many connections are open at a time.
const aborters = 16

func abortMany(t *testing.T, addr string, n int) {
	t.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range aborters {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !t.Failed(); i = int(next.Add(1)) - 1 {
				if err := abort(addr, i); err != nil {
					t.Errorf("connection %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
}

// Connections that were aborted in every phase leave nothing behind.
func TestAbortedConnections(t *testing.T) {
	n := long.N(2_000, 1_000_000)
	p := start(t)
	before := costsOf(p)
	// What the proxy allocates once, for all that come after.
	abortMany(t, p.Addr("http"), 1_000)
	settle(t, p, before)
	memory := p.Usage().RssAnon
	abortMany(t, p.Addr("http"), n)
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
	long.Report(t, "Aborted connections", n, fmt.Sprintf("%+v before and %+v after; anonymous memory %d KiB before and %d KiB after", before, costsOf(p), memory>>10, after>>10))
}
