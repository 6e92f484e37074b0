package http2

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"

	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// xconnect is what has Go's HTTP/2 servers take extended CONNECT. They read it
// when the process starts.
const xconnect = "http2xconnect=1"

// enableConnect starts the test's process again, with xconnect.
func enableConnect() {
	was := os.Getenv("GODEBUG")
	if strings.Contains(was, xconnect) {
		return
	}
	os.Setenv("GODEBUG", strings.Trim(was+","+xconnect, ","))
	if err := syscall.Exec("/proc/self/exe", os.Args, os.Environ()); err != nil {
		panic(err)
	}
}

// streamBackend is an HTTP/2 backend that takes extended CONNECT, says "welcome"
// and then echoes.
func streamBackend(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/refused":
		http.Error(w, "not here", http.StatusForbidden)
	case r.Method != http.MethodConnect || r.Header.Get(":protocol") != "websocket":
		io.WriteString(w, "ok")
	case r.Header.Get("Sec-WebSocket-Key") != "" || r.Header.Get("Upgrade") != "":
		http.Error(w, "a field of HTTP/1.1", http.StatusBadRequest)
	default:
		w.Header().Set("Sec-WebSocket-Protocol", r.Header.Get("Sec-WebSocket-Protocol"))
		w.WriteHeader(http.StatusOK)
		io.WriteString(w, "welcome")
		flush := http.NewResponseController(w).Flush
		for b := make([]byte, 4096); flush() == nil; {
			n, err := r.Body.Read(b)
			w.Write(b[:n])
			if err != nil {
				return
			}
		}
	}
}

func startStreams(t *testing.T) *target.Proxy {
	t.Helper()
	backend := httptest.NewServer(h2c.NewHandler(http.HandlerFunc(streamBackend), new(http2.Server)))
	t.Cleanup(backend.Close)
	return target.Start(t, target.Backend{Address: backend.Listener.Addr().String(), H2C: true})
}

// upgrading is a client of HTTP/1.1 that asks for a WebSocket.
func upgrading(t *testing.T, proxy *target.Proxy, path string) (*net.TCPConn, *bufio.Reader, *http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", proxy.Plain)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(grpcPatience))
	io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: "+target.HostA+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat\r\n\r\n")
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn), r, resp
}

// TestWebSocketToHTTP2 is a WebSocket of HTTP/1.1 whose backend speaks HTTP/2.
func TestWebSocketToHTTP2(t *testing.T) {
	proxy := startStreams(t)
	c, r, resp := upgrading(t, proxy, "/chat")
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %s", resp.Status)
	}
	for name, want := range map[string]string{
		"Upgrade": "websocket", "Sec-Websocket-Protocol": "chat",
		"Sec-Websocket-Accept": accept("dGhlIHNhbXBsZSBub25jZQ=="),
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	long := strings.Repeat("x", 1<<20)
	go func() {
		io.WriteString(c, long)
		c.CloseWrite()
	}()
	got, err := io.ReadAll(r)
	if err != nil || string(got) != "welcome"+long {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len("welcome"+long))
	}
}

// TestWebSocketFromHTTP2ToHTTP2 is the same for a client of HTTP/2.
func TestWebSocketFromHTTP2ToHTTP2(t *testing.T) {
	conn := dial(t, startStreams(t))
	wantOK(t, conn, 1)
	send(t, conn.Headers(3, false, connectFields("/chat")...))
	got := conn.Head(3, grpcPatience)
	if got.Status() != "200" || wire.Get(got.Fields, "sec-websocket-protocol") != "chat" {
		t.Fatalf("got %v with %v, want a 200 with the protocol", got, got.Fields)
	}
	body := got.Body
	body = append(body, conn.Body(3, len("welcome")-len(body), grpcPatience).Body...)
	send(t, conn.Framer.WriteData(3, false, []byte("hello")))
	if body = append(body, conn.Body(3, len("hello"), grpcPatience).Body...); string(body) != "welcomehello" {
		t.Errorf("got %q", body)
	}
	send(t, conn.Framer.WriteData(3, true, nil))
	if got := conn.Response(3, grpcPatience); !got.Complete {
		t.Errorf("after the end: %v", got)
	}
	wantOK(t, conn, 5)
}

// TestWebSocketToHTTP2Refused is of a backend that does not want to, and of one
// that cannot: gRPC's servers do not know extended CONNECT.
func TestWebSocketToHTTP2Refused(t *testing.T) {
	for name, test := range map[string]struct {
		start func(*testing.T) *target.Proxy
		want  int
	}{
		"refused": {startStreams, http.StatusForbidden},
		"unknown": {startInterop, http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := test.start(t)
			if _, _, resp := upgrading(t, proxy, "/refused"); resp.StatusCode != test.want {
				t.Errorf("HTTP/1.1: got %s, want %d", resp.Status, test.want)
			}
			conn := dial(t, proxy)
			send(t, conn.Headers(1, false, connectFields("/refused")...))
			if got := conn.Response(1, grpcPatience); got.Status() != strconv.Itoa(test.want) {
				t.Errorf("HTTP/2: got %v, want %d", got, test.want)
			}
		})
	}
}
