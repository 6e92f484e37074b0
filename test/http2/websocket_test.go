package http2

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// tunnelBackend is an HTTP/1.1 backend that upgrades to WebSocket (RFC 6455),
// says "welcome", and then echoes bytes; framing is the endpoints' business.
func tunnelBackend(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/refused":
		http.Error(w, "not here", http.StatusForbidden)
		return
	case r.Method != http.MethodGet || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		io.WriteString(w, "ok")
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	key := r.Header.Get("Sec-WebSocket-Key")
	if r.URL.Path == "/liar" {
		key = "another"
	}
	io.WriteString(buffered, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Protocol: "+r.Header.Get("Sec-WebSocket-Protocol")+"\r\n"+
		"Sec-WebSocket-Accept: "+accept(key)+"\r\n\r\nwelcome")
	echoLines(buffered)
}

// echoLines echoes line by line until the other side ends.
func echoLines(rw *bufio.ReadWriter) {
	for rw.Flush() == nil {
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		rw.WriteString(line)
	}
}

// accept is the answer to a key (RFC 6455, section 4.2.2).
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func connectFields(path string) []hpack.HeaderField {
	return wire.Fields(":method", "CONNECT", ":protocol", "websocket", ":scheme", "http",
		":authority", target.HostA, ":path", path, "sec-websocket-version", "13", "sec-websocket-protocol", "chat")
}

// startTunnels starts the backend and the proxy, and opens a connection whose
// settings have arrived.
func startTunnels(t *testing.T) (*target.Proxy, *wire.Conn) {
	t.Helper()
	backend := httptest.NewServer(http.HandlerFunc(tunnelBackend))
	t.Cleanup(backend.Close)
	proxy := target.Start(t, target.Backend{Address: backend.Listener.Addr().String()})
	conn := dial(t, proxy)
	wantOK(t, conn, 1)
	return proxy, conn
}

// wantOK sends a plain request and wants its answer.
func wantOK(t *testing.T, conn *wire.Conn, stream uint32) {
	t.Helper()
	send(t, conn.Headers(stream, true, get().fields...))
	if got := conn.Response(stream, grpcPatience); got.Status() != "200" || string(got.Body) != "ok" {
		t.Fatalf("a plain request: %v %q", got, got.Body)
	}
}

// TestWebSocketOverHTTP2 bootstraps a WebSocket by extended CONNECT (RFC 8441)
// to a backend that knows HTTP/1.1 alone.
func TestWebSocketOverHTTP2(t *testing.T) {
	_, conn := startTunnels(t)
	if conn.Settings[http2.SettingEnableConnectProtocol] != 1 {
		t.Fatal("SETTINGS_ENABLE_CONNECT_PROTOCOL is not 1")
	}
	send(t, conn.Headers(3, false, connectFields("/chat")...))
	got := conn.Head(3, grpcPatience)
	if got.Status() != "200" || wire.Get(got.Fields, "sec-websocket-protocol") != "chat" {
		t.Fatalf("got %v with %v, want a 200 with the protocol", got, got.Fields)
	}
	for _, name := range []string{"sec-websocket-accept", "upgrade", "connection", "transfer-encoding"} {
		if value := wire.Get(got.Fields, name); value != "" {
			t.Errorf("the response has %s %q", name, value)
		}
	}
	body := got.Body
	body = append(body, conn.Body(3, len("welcome")-len(body), grpcPatience).Body...)
	send(t, conn.Framer.WriteData(3, false, []byte("hel")))
	send(t, conn.Framer.WriteData(3, false, []byte("lo\n")))
	if body = append(body, conn.Body(3, len("hello\n"), grpcPatience).Body...); string(body) != "welcomehello\n" {
		t.Errorf("got %q", body)
	}
	// The end of one direction reaches the backend, which ends the other.
	send(t, conn.Framer.WriteData(3, true, nil))
	if got := conn.Response(3, grpcPatience); !got.Complete {
		t.Errorf("after the end: %v", got)
	}
	// Nothing of the tunnel is left where a later request would meet it.
	wantOK(t, conn, 5)
}

func TestWebSocketOverHTTP2Refused(t *testing.T) {
	for _, c := range []struct{ path, status string }{
		{"/refused", "403"},
		// A backend that did not see the key has understood something else.
		{"/liar", "502"},
	} {
		t.Run(c.path, func(t *testing.T) {
			_, conn := startTunnels(t)
			send(t, conn.Headers(3, false, connectFields(c.path)...))
			if got := conn.Response(3, grpcPatience); got.Status() != c.status {
				t.Errorf("got %v, want status %s", got, c.status)
			}
			wantOK(t, conn, 5)
		})
	}
}

// TestWebSocketOverHTTP2Reset resets a tunnel: the backend's connection ends,
// and serves nobody else.
func TestWebSocketOverHTTP2Reset(t *testing.T) {
	_, conn := startTunnels(t)
	send(t, conn.Headers(3, false, connectFields("/chat")...))
	if got := conn.Head(3, grpcPatience); got.Status() != "200" {
		t.Fatalf("got %v", got)
	}
	send(t, conn.Framer.WriteRSTStream(3, http2.ErrCodeCancel))
	for stream := uint32(5); stream < 25; stream += 2 {
		wantOK(t, conn, stream)
	}
}
