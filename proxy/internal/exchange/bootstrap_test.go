package exchange

import (
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// What an HTTP/2 backend says: its settings, with and without extended CONNECT,
// and what it answers on its first stream.
const (
	takesConnect   = "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01"
	plainSettings  = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	success        = "\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88"
	welcome        = "\x00\x00\x07\x00\x00\x00\x00\x00\x01welcome"
	farewell       = "\x00\x00\x00\x00\x01\x00\x00\x00\x01"
	forbidden      = "\x00\x00\x05\x01\x05\x00\x00\x00\x01\x08\x03403"
	upgradeRequest = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

// newBootstrap is a client that asks an HTTP/2 backend for a WebSocket, which is
// connected and has said nothing yet.
func newBootstrap(t *testing.T) *world {
	w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
	w.client(upgradeRequest)
	w.connected()
	w.loop.Flush()
	if sent := w.backend().sent.String(); strings.Contains(sent, "/chat") {
		t.Fatalf("the backend was asked before it had said how: %q", sent)
	}
	return w
}

// says has the backend send something, to the end of the turn.
func (w *world) says(frames string) {
	w.upstream(frames)
	w.loop.Flush()
}

// The sample key and its answer are those of RFC 6455, section 1.3.
func TestUpgradeBecomesExtendedConnect(t *testing.T) {
	w := newBootstrap(t)
	w.says(takesConnect)
	sent := w.backend().sent.String()
	for _, want := range []string{"CONNECT", ":protocol", "websocket", "/chat"} {
		if !strings.Contains(sent, want) {
			t.Errorf("the backend was not sent %q: %q", want, sent)
		}
	}
	if strings.Contains(sent, "dGhlIHNhbXBsZSBub25jZQ==") {
		t.Error("the backend was sent a key")
	}
	w.says(success + welcome)
	got := w.full()
	for _, want := range []string{"HTTP/1.1 101 Switching Protocols\r\n", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n",
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "\r\n\r\nwelcome"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	w.backend().sent.Reset()
	w.client("hello")
	w.loop.Flush()
	if sent := w.backend().sent.String(); sent != "\x00\x00\x05\x00\x00\x00\x00\x00\x01hello" {
		t.Errorf("the backend got %q", sent)
	}
}

// Each side ends its half, in either order, and the tunnel with the second.
func TestBootstrappedTunnelEnds(t *testing.T) {
	ends := map[string]func(w *world){
		"client":  func(w *world) { w.conn.Ended(nil); w.loop.Flush() },
		"backend": func(w *world) { w.says(farewell) },
	}
	for _, order := range [][2]string{{"client", "backend"}, {"backend", "client"}} {
		t.Run(order[0]+" first", func(t *testing.T) {
			w := newBootstrap(t)
			w.says(takesConnect)
			w.says(success)
			ends[order[0]](w)
			if w.fake.client.dead || len(w.done) != 0 {
				t.Fatal("the tunnel ended with one half")
			}
			ends[order[1]](w)
			if !w.fake.client.dead || len(w.done) != 1 {
				t.Fatal("the tunnel has not ended")
			}
			if w.done[0].Status != 101 || w.done[0].Flags != 0 {
				t.Errorf("got status %d and flags %v", w.done[0].Status, w.done[0].Flags)
			}
			if strings.Contains(w.backend().sent.String(), "\x00\x00\x04\x03") {
				t.Error("the stream was reset")
			}
		})
	}
}

func TestUpgradeIsRefused(t *testing.T) {
	tests := map[string]struct {
		frames string
		status string
	}{
		"by the settings": {plainSettings, "HTTP/1.1 502 Bad Gateway\r\n"},
		"by an answer":    {takesConnect + forbidden, "HTTP/1.1 403 Forbidden\r\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newBootstrap(t)
			for _, frames := range strings.SplitAfter(test.frames, takesConnect) {
				w.says(frames)
			}
			if got := w.full(); !strings.HasPrefix(got, test.status) {
				t.Errorf("got %q, want %q", got, test.status)
			}
			if w.fake.dialed[0].EjectedUntil() != 0 || w.backend().dead {
				t.Error("the endpoint was blamed")
			}
		})
	}
}

// A backend that goes before it has said how is asked again over another
// connection, as nothing was sent to it.
func TestUpgradeWaitsForSettingsInVain(t *testing.T) {
	w := newBootstrap(t)
	w.upstreamEnds(nil)
	if len(w.fake.all) != 2 {
		t.Fatalf("%d connections", len(w.fake.all))
	}
	w.connected()
	w.says(takesConnect)
	w.says(success)
	if got := w.full(); !strings.HasPrefix(got, "HTTP/1.1 101") {
		t.Errorf("got %q", got)
	}
}

// An upgrade to something else is not for HTTP/2, nor is a handshake without a
// key: the backend answers a plain request.
func TestOtherUpgradesAreIgnored(t *testing.T) {
	for _, fields := range []string{"Upgrade: tls/1.0\r\nSec-WebSocket-Key: x\r\n", "Upgrade: websocket\r\n"} {
		w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
		w.client("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n" + fields + "\r\n")
		w.connected()
		w.loop.Flush()
		if sent := w.backend().sent.String(); !strings.Contains(sent, "/chat") || strings.Contains(sent, ":protocol") {
			t.Errorf("%q: the backend was sent %q", fields, sent)
		}
	}
}
