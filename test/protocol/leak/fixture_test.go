package leak

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/edge"
)

func TestMain(m *testing.M) { edge.Main(m) }

// patience bounds each wait; nothing that works comes near it.
const patience = 60 * time.Second

// backend answers by path: /hang waits for its client to leave, /part sends a
// part and hangs, /tunnel upgrades and echoes, /upload counts, /download/<n>
// sends n bytes, anything else says ok.
func backend(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) {
		// The server looks for the client's end once the body is read.
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	mux.HandleFunc("/part", func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 5000))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/tunnel", echoTunnel)
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err == nil {
			fmt.Fprint(w, n)
		}
	})
	mux.HandleFunc("/download/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.ParseInt(r.PathValue("n"), 10, 64)
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		io.CopyN(w, zeros{}, n)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	s := httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func echoTunnel(w http.ResponseWriter, _ *http.Request) {
	c, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	io.Copy(c, rw)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// start runs a proxy with further arguments.
func start(t *testing.T, args ...string) *edge.Proxy {
	t.Helper()
	return edge.Start(t, edge.Options{Config: edge.To(backend(t)), Args: args})
}

// dial connects with host:port, by UDP where "udp://" stands before it.
func dial(addr string) (net.Conn, error) {
	network := "tcp"
	if rest, ok := strings.CutPrefix(addr, "udp://"); ok {
		network, addr = "udp", rest
	}
	c, err := net.Dial(network, addr)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(patience))
}

// get makes a request that the backend answers with ok.
func get(c net.Conn) error {
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"); err != nil {
		return err
	}
	// A reader lives for one answer alone: thousands of connections are held.
	answer, err := http.ReadResponse(bufio.NewReaderSize(c, 512), nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || string(body) != "ok" {
		return fmt.Errorf("got %d %q: %w", answer.StatusCode, body, err)
	}
	return nil
}

// reset ends a connection with an RST, so that no port is left waiting. There is
// none for datagrams.
func reset(c net.Conn) error {
	if tcp, ok := c.(*net.TCPConn); ok {
		return errors.Join(tcp.SetLinger(0), c.Close())
	}
	return c.Close()
}

// costs are what must come back to where it was.
type costs struct{ descriptors, goroutines int }

func costsOf(p *edge.Proxy) costs { return costs{p.Usage().Descriptors, p.Goroutines()} }

// room is for the connections to the backend that each of the proxy's loops keeps
// to use again.
var room = 8 + 4*runtime.NumCPU()

// settle waits until the proxy holds no more than it did, but for the room.
func settle(t *testing.T, p *edge.Proxy, before costs) {
	t.Helper()
	var now costs
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if now = costsOf(p); now.descriptors <= before.descriptors+room && now.goroutines <= before.goroutines+room {
			return
		}
	}
	t.Errorf("%+v before, %+v after", before, now)
}
