package exchange

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

func postOf(length int) string {
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", length)
}

func okOf(length int) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", length)
}

// wantsOffer compares what a connection offers to pass on.
func (w *world) wantsOffer(t *testing.T, from Peer, to *fakeConn, n int64) {
	t.Helper()
	gotTo, got := from.Pass()
	if n == 0 {
		if gotTo != nil && got != 0 {
			t.Errorf("%d bytes are offered", got)
		}
		return
	}
	if gotTo != Transport(to) || got != n {
		t.Errorf("%d bytes are offered to %v, want %d to %v", got, gotTo, n, to)
	}
}

func TestResponsePassed(t *testing.T) {
	w := newWorld(1, nil)
	w.client(get + get)
	w.connected()
	w.upstream(okOf(bulk) + "ab")
	b := w.backend()
	w.wantsOffer(t, b.peer, w.fake.client, bulk-2)
	b.peer.Passed(1000, true)
	w.wantsOffer(t, b.peer, w.fake.client, bulk-1002)
	// What comes the usual way counts, too.
	w.upstream("c")
	w.wantsOffer(t, b.peer, w.fake.client, bulk-1003)
	w.fake.log.Reset()
	b.peer.Passed(bulk-1003, true)
	w.wants(t, `upstream <- GET / HTTP/1.1 ""`)
	if d := w.done[0]; d.ResponseBytes != bulk || d.Status != 200 {
		t.Errorf("got %d bytes, status %d", d.ResponseBytes, d.Status)
	}
	w.wantsOffer(t, b.peer, nil, 0)
	if got := b.peer.Want(64 << 10); got != guessedHead {
		t.Errorf("%d bytes are wanted behind a response that was passed on", got)
	}
	w.upstream(ok)
	w.client(get)
	if got := b.peer.Want(64 << 10); got != 64<<10 {
		t.Errorf("%d bytes are wanted behind a small response", got)
	}
}

func TestResponseNotOffered(t *testing.T) {
	for name, tt := range map[string]struct{ request, response string }{
		"small":     {get, okOf(bulk - 1)},
		"chunked":   {get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n"},
		"to frame":  {get, "HTTP/1.1 200 OK\r\n\r\n"},
		"bodiless":  {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", okOf(1 << 20)},
		"in a head": {get, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n"},
		"a tunnel": {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
			"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(1, nil)
			w.client(tt.request)
			w.connected()
			w.upstream(tt.response + "a")
			w.wantsOffer(t, w.backend().peer, nil, 0)
			w.wantsOffer(t, w.conn, nil, 0)
		})
	}
}

// The length of the last response says nothing of the next one.
func TestOfferEndsWithTheBody(t *testing.T) {
	w := newWorld(1, nil)
	w.client(get + get)
	w.connected()
	w.upstream(okOf(bulk))
	w.backend().peer.Passed(bulk, true)
	w.upstream("HTTP/1.1 200 OK\r\n")
	w.wantsOffer(t, w.backend().peer, nil, 0)
}

func TestRestPassed(t *testing.T) {
	w := newWorld(1, nil)
	w.client("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
	w.connected()
	w.upstream("HTTP/1.1 200 OK\r\n\r\na")
	w.wantsOffer(t, w.backend().peer, w.fake.client, math.MaxInt64)
	w.backend().peer.Passed(10, true)
	w.fake.log.Reset()
	w.upstreamEnds(nil)
	w.wants(t, "drop upstream", "close client")
	if d := w.done[0]; d.ResponseBytes != 11 {
		t.Errorf("got %d bytes", d.ResponseBytes)
	}
}

// A body that is passed on and does not come to its end is broken off.
func TestPassedResponseBreaksOff(t *testing.T) {
	w := newWorld(1, nil)
	w.client(get)
	w.connected()
	w.upstream(okOf(bulk))
	w.backend().peer.Passed(bulk-1, false)
	w.fake.log.Reset()
	w.upstreamEnds(nil)
	w.wants(t, "drop upstream", "abort client")
}

func TestPassedBackpressure(t *testing.T) {
	w := newWorldOf(1, proxyconfig.Rule{})
	w.client(get)
	w.connected()
	w.upstream(okOf(bulk))
	up := w.backend().peer
	up.Passed(10, false)
	if n := up.Want(100); n != 0 {
		t.Error("the backend is read while the client does not take")
	}
	stall := DefaultLimits().Stall
	w.pass(stall - time.Second)
	w.conn.Flowed()
	w.pass(stall - time.Second)
	if w.fake.client.dead {
		t.Fatal("the client is given up though it takes what it is sent")
	}
	w.conn.Flushed()
	if n := up.Want(100); n != 100 {
		t.Error("the backend is not read again")
	}
	up.Passed(10, false)
	w.pass(stall)
	if !w.fake.client.dead {
		t.Error("the client is not given up though it takes nothing")
	}
}

func TestRequestPassed(t *testing.T) {
	w := newWorld(1, nil)
	w.client(postOf(bulk) + "ab")
	w.wantsOffer(t, w.conn, nil, 0)
	w.connected()
	w.wantsOffer(t, w.conn, w.backend(), bulk-2)
	w.conn.Passed(10, false)
	if n := w.conn.Want(100); n != 0 {
		t.Error("the client is read while the backend does not take")
	}
	w.backend().peer.Flowed()
	w.backend().peer.Flushed()
	w.client("c")
	w.wantsOffer(t, w.conn, w.backend(), bulk-13)
	w.conn.Passed(bulk-13, true)
	w.wantsOffer(t, w.conn, nil, 0)
	if n := w.conn.Want(100); n != 0 {
		t.Errorf("%d bytes are wanted behind the request", n)
	}
	w.fake.log.Reset()
	w.upstream(ok)
	w.wants(t, `client <- HTTP/1.1 200 OK "ok"`)
	if d := w.done[0]; d.RequestBytes != bulk {
		t.Errorf("got %d bytes", d.RequestBytes)
	}
	w.client(postOf(2) + "a")
	w.wantsOffer(t, w.conn, nil, 0)
}

func TestRequestNotOffered(t *testing.T) {
	mirrored := proxyconfig.Rule{Filters: []proxyconfig.Filter{{Type: proxyconfig.FilterMirror, Mirror: &proxyconfig.Mirror{Backend: "ns/b:80"}}}}
	for name, tt := range map[string]struct {
		rule    proxyconfig.Rule
		request string
	}{
		"small":    {request: postOf(bulk - 1)},
		"chunked":  {request: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\na"},
		"kept":     {request: "PUT" + strings.TrimPrefix(postOf(2*bulk), "POST") + "a"},
		"mirrored": {mirrored, postOf(2 * bulk)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldOf(1, tt.rule)
			w.client(tt.request)
			for _, c := range w.fake.all {
				c.peer.(Backend).Connected()
			}
			w.wantsOffer(t, w.conn, nil, 0)
		})
	}
}

// What may have to be sent again is kept as long as it can be; the rest is not.
func TestKeptRequestPassedLater(t *testing.T) {
	w := newWorld(1, nil)
	w.client("PUT" + strings.TrimPrefix(postOf(3*maxReplay), "POST"))
	w.connected()
	w.client(strings.Repeat("a", maxReplay))
	w.wantsOffer(t, w.conn, w.backend(), 2*maxReplay)
	w.conn.Passed(10, true)
	w.fake.log.Reset()
	w.upstreamEnds(nil)
	w.wants(t, "drop upstream", `client <- HTTP/1.1 502 Bad Gateway (close) "Bad Gateway\n"`, "shutdown client")
}

// While new requests are shed, the proxy's own answer passes nothing on.
func TestShedRequestNotOffered(t *testing.T) {
	w := newWorld(1, nil)
	w.loop.opts.Gate = overload.NewGate(overload.Limits{})
	w.loop.opts.Gate.Set(overload.ShedRequests)
	w.client(postOf(bulk))
	w.wantsOffer(t, w.conn, nil, 0)
}
