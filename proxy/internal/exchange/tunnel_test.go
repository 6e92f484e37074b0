package exchange

import (
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// opens sends a request without a body, or the head of one that is to be a
// tunnel.
func (b *browser) opens(method, protocol, early string) {
	target := browserTarget
	target.Method, target.Protocol = []byte(method), []byte(protocol)
	s := b.conn.Open(b, &target)
	s.EndHead(protocol == "")
	if protocol != "" {
		s.Send([]byte(early), true)
	}
	b.pump()
}

// agree answers the key that the backend was sent.
func (w *world) agree(t *testing.T) {
	t.Helper()
	_, key, found := strings.Cut(w.backend().sent.String(), "\r\n"+keyField)
	if !found {
		t.Fatalf("no key in %q", w.backend().sent.String())
	}
	key, _, _ = strings.Cut(key, "\r")
	w.upstream("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " +
		string(appendAccept(nil, []byte(key))) + "\r\n\r\n")
}

// What a client says before there is a tunnel reaches the backend, and so does
// that it has ended its half.
func TestTunnelOfAClientThatHasEnded(t *testing.T) {
	w := newWorld(1, nil)
	b := newBrowser(w)
	b.opens("CONNECT", "websocket", "bye")
	w.connected()
	w.fake.log.Reset()
	w.agree(t)
	b.pump()
	w.wants(t, `upstream <- "bye"`, "shutdown upstream")
	w.upstreamEnds(nil)
	b.pump()
	if n := w.loop.Active.Load(); n != 0 || b.answers != 1 || b.status != 200 {
		t.Errorf("%d exchanges left; %d answers, the last %d", n, b.answers, b.status)
	}
}

// Both sides of a stream have ended once a response without a body was sent, but
// the backend has not. The client's connection takes the exchange along.
func TestExchangesEndWithTheirConnection(t *testing.T) {
	w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
	b := newBrowser(w)
	b.opens("HEAD", "", "")
	w.connected()
	w.says(plainSettings + success)
	b.pump()
	if n := w.loop.Active.Load(); n != 1 || b.answers != 1 {
		t.Fatalf("%d exchanges and %d answers before the end", n, b.answers)
	}
	b.io.peer.Ended(nil)
	if n := w.loop.Active.Load(); n != 0 {
		t.Errorf("%d exchanges left", n)
	}
}

// An interim response is not kept until the final one.
func TestInterimResponsesGoAtOnce(t *testing.T) {
	w := newWorld(1, nil)
	b := newBrowser(w)
	b.get()
	w.connected()
	w.upstream("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
	b.pump()
	if b.status != 103 {
		t.Errorf("got %d", b.status)
	}
}

// A client's field whose value looks like the proxy's own key is not taken for
// it.
func TestKeysInValues(t *testing.T) {
	w := newWorld(1, nil)
	b := newBrowser(w)
	target := browserTarget
	target.Method, target.Protocol = []byte("CONNECT"), []byte("websocket")
	s := b.conn.Open(b, &target)
	s.Field([]byte("a"), []byte(keyField+"x"))
	s.EndHead(false)
	b.pump()
	w.connected()
	w.agree(t)
	b.pump()
	if b.status != 200 {
		t.Errorf("got %d", b.status)
	}
}
