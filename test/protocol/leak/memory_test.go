package leak

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/internal/long"
	"github.com/fleetgate/fleetgate/test/internal/edge"
)

// growth is how much anonymous memory each connection costs, beyond what the
// first fifth of them has brought the proxy to.
func growth(t *testing.T, p *edge.Proxy, n int, open func() net.Conn) (perConnection float64, all []net.Conn) {
	t.Helper()
	t.Cleanup(func() {
		for _, c := range all {
			reset(c)
		}
	})
	for range n / 5 {
		all = append(all, open())
	}
	time.Sleep(time.Second)
	before := p.Usage().RssAnon
	for range n {
		all = append(all, open())
	}
	time.Sleep(time.Second)
	after := p.Usage().RssAnon
	return (float64(after) - float64(before)) / float64(n), all
}

// bar is what a connection may cost: what is claimed of the shipped proxy, or what
// goroutines need, which have a stack each and a buffer to read into.
func bar(shipped, portable float64) float64 {
	if edge.Portable() {
		return portable
	}
	return shipped
}

// An idle keep-alive connection costs at most 512 bytes.
func TestIdleConnections(t *testing.T) {
	const n = 10_000
	bar := bar(512, 24<<10)
	p := start(t, "--max-listener-connections=15000")
	per, all := growth(t, p, n, func() net.Conn {
		c, err := dial(p.Addr("http"))
		if err != nil {
			t.Fatal(err)
		}
		if err := get(c); err != nil {
			t.Fatal(err)
		}
		return c
	})
	for i := 0; i < len(all); i += 100 {
		if err := get(all[i]); err != nil {
			t.Errorf("connection %d did not stay: %v", i, err)
		}
	}
	if per > bar {
		t.Errorf("%.0f bytes for each, want at most %.0f", per, bar)
	}
	long.Report(t, "Idle connections", len(all), fmt.Sprintf("%.0f bytes of anonymous memory each", per))
}

// Both connections of an active WebSocket have buffers while bytes are under way.
func TestActiveWebSockets(t *testing.T) {
	bar := bar(8<<10, 64<<10)
	n := long.N(1_000, 5_000)
	p := start(t)
	message := bytes.Repeat([]byte("m"), 1000)
	got := make([]byte, len(message))
	echo := func(c net.Conn) {
		if _, err := c.Write(message); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, message) {
			t.Fatalf("got %.20q, %v", got, err)
		}
	}
	per, all := growth(t, p, n, func() net.Conn {
		c, err := dial(p.Addr("http"))
		if err != nil {
			t.Fatal(err)
		}
		upgrade(t, c)
		echo(c)
		return c
	})
	for _, c := range all {
		echo(c)
	}
	if per > bar {
		t.Errorf("%.0f bytes for each, want at most %.0f", per, bar)
	}
	long.Report(t, "Active WebSockets", len(all), fmt.Sprintf("%.0f bytes of anonymous memory each", per))
}

// upgrade turns a connection into a tunnel.
func upgrade(t *testing.T, c net.Conn) {
	t.Helper()
	io.WriteString(c, "GET /tunnel"+head+"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	var answer strings.Builder
	for b := make([]byte, 1); !strings.HasSuffix(answer.String(), "\r\n\r\n"); {
		if _, err := c.Read(b); err != nil {
			t.Fatalf("got %q: %v", answer.String(), err)
		}
		answer.Write(b)
	}
	if !strings.HasPrefix(answer.String(), "HTTP/1.1 101 ") {
		t.Fatalf("got %q", answer.String())
	}
}

// bodyBar is how much anonymous memory may grow while a body passes.
const bodyBar = 4 << 20

func TestLargeBodies(t *testing.T) {
	size := int64(long.N(256<<20, 10<<30))
	p := start(t)
	for _, way := range []struct {
		name string
		pass func(net.Conn, int64) error
	}{{"upload", upload}, {"download", download}} {
		c, err := net.Dial("tcp", p.Addr("http"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		before := p.Usage().RssAnon
		done, most := make(chan error, 1), before
		go func() { done <- way.pass(c, size) }()
		for passing := true; passing; {
			select {
			case err := <-done:
				if err != nil {
					t.Fatalf("%s: %v", way.name, err)
				}
				passing = false
			case <-time.After(10 * time.Millisecond):
			}
			most = max(most, p.Usage().RssAnon)
		}
		if most > before+bodyBar {
			t.Errorf("%s: anonymous memory grew from %d to %d KiB", way.name, before>>10, most>>10)
		}
		long.Report(t, "Body by "+way.name, int(size), fmt.Sprintf("anonymous memory grew by %d KiB at most", (most-before)>>10))
	}
}

func upload(c net.Conn, size int64) error {
	fmt.Fprintf(c, "POST /upload%sContent-Length: %d\r\n\r\n", head, size)
	if _, err := io.CopyN(c, zeros{}, size); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	if want := fmt.Sprint(size); err != nil || string(body) != want {
		return fmt.Errorf("got %q, want %s: %w", body, want, err)
	}
	return nil
}

func download(c net.Conn, size int64) error {
	fmt.Fprintf(c, "GET /download/%d%s\r\n", size, head)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	if n, err := io.Copy(io.Discard, answer.Body); err != nil || n != size {
		return fmt.Errorf("got %d of %d bytes: %w", n, size, err)
	}
	return nil
}
