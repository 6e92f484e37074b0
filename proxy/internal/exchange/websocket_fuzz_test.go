package exchange

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// Whatever fields come with a handshake of HTTP/1.1, an HTTP/2 backend gets none
// of those that HTTP/2 has no use for, and the client the answer to its own key.
func FuzzUpgradeToConnect(f *testing.F) {
	f.Add("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
	f.Add("Sec-WebSocket-Key: a\r\nsec-websocket-key: b\r\nContent-Length: 0\r\nConnection: sec-websocket-key")
	f.Add("Sec-WebSocket-Key:\r\nSec-WebSocket-Accept: x\r\nTE: trailers\r\nTransfer-Encoding: chunked")
	f.Fuzz(func(t *testing.T, fields string) {
		head := "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + fields + "\r\n\r\n"
		var r h1.Request
		if n, err := h1.Find([]byte(head), 0); err != nil || n != len(head) || r.Parse([]byte(head)) != nil {
			return
		}
		key, _ := r.Value("sec-websocket-key")
		key = bytes.Clone(key)
		w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
		w.client(head)
		if w.backend() == nil {
			return
		}
		s, asked := w.newSource(), false
		s.asked = func(r *h1.Request) {
			if len(r.Protocol) == 0 {
				return
			}
			asked = true
			for name := range r.Fields(nil) {
				if isHandshakeField(name) || !travels(name) {
					t.Errorf("the backend got %q", name)
				}
			}
		}
		for range 3 {
			s.exchange()
		}
		if !asked {
			return
		}
		got, _, _ := strings.Cut(w.full(), "\r\n\r\n")
		if want := "Sec-WebSocket-Accept: " + string(appendAccept(nil, key)); !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.HasSuffix(got, want) {
			t.Errorf("the client got %q, want %q at its end", got, want)
		}
	})
}

// Whatever field comes with an extended CONNECT, an HTTP/1 backend gets one whole
// handshake, and the client an answer.
func FuzzConnectToUpgrade(f *testing.F) {
	f.Add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
	f.Add("sec-websocket-protocol", "chat")
	f.Add("a", keyField+"x")
	f.Add("content-length", "5")
	f.Add("upgrade", "h2c")
	f.Fuzz(func(t *testing.T, name, value string) {
		w := newWorld(1, nil)
		b := newBrowser(w)
		target := browserTarget
		target.Method, target.Protocol = methodConnect, protocolWebSocket
		s := b.conn.Open(b, &target)
		s.Field([]byte(name), []byte(value))
		s.EndHead(false)
		b.pump()
		if w.backend() == nil {
			return
		}
		w.connected()
		head := w.backend().sent.String()
		var r h1.Request
		if n, err := h1.Find([]byte(head), 0); err != nil || n != len(head) {
			t.Fatalf("the backend got %q", head)
		}
		if err := r.Parse([]byte(head)); err != nil || string(r.Method) != "GET" || !r.WantsUpgrade || string(r.First(h1.Upgrade)) != "websocket" {
			t.Fatalf("the backend got %q: %v", head, err)
		}
		if strings.Count(strings.ToLower(head), "\r\nsec-websocket-key:") != 1 {
			t.Errorf("the backend got %q", head)
		}
		key, _ := r.Value("sec-websocket-key")
		w.upstream("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " +
			string(appendAccept(nil, key)) + "\r\n\r\n")
		if b.pump(); b.status != 200 {
			t.Errorf("the client got %d", b.status)
		}
	})
}
