package exchange

import (
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// newTunnel is a client's WebSocket to an HTTP/1 backend.
func newTunnel(t *testing.T) *world {
	w := newWorld(1, nil)
	w.client(upgradeRequest)
	w.connected()
	w.upstream("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if w.conn.phase != inTunnel {
		t.Fatal("there is no tunnel")
	}
	w.fake.log.Reset()
	return w
}

// What a side says last arrives, whichever side ends first and however slowly the
// other one takes it.
func TestTunnelKeepsWhatWasSaidLast(t *testing.T) {
	clientSays := func(w *world) { w.client("bye"); w.conn.Ended(nil) }
	backendSays := func(w *world) { w.upstream("bye"); w.upstreamEnds(nil) }
	toBackend := func(w *world) { w.backend().peer.Flushed() }
	toClient := func(w *world) { w.conn.Flushed() }
	for name, test := range map[string]struct {
		stuck, blocked bool
		events         []func(*world)
		want           []string
	}{
		"of a client": {true, false, []func(*world){backendSays, clientSays, toBackend},
			[]string{`client <- "bye"`, "shutdown client", `upstream <- "bye"`, "shutdown upstream"}},
		"of a client that ends first": {true, false, []func(*world){clientSays, backendSays, toBackend},
			[]string{`upstream <- "bye"`, "shutdown upstream", `client <- "bye"`, "shutdown client"}},
		"of a backend": {false, true, []func(*world){clientSays, backendSays, toClient},
			[]string{`upstream <- "bye"`, "shutdown upstream", `client <- "bye"`, "shutdown client"}},
		"of a backend that ends first": {false, true, []func(*world){backendSays, clientSays, toClient},
			[]string{`client <- "bye"`, "shutdown client", `upstream <- "bye"`, "shutdown upstream"}},
		"of both": {true, true, []func(*world){backendSays, clientSays, toClient, toBackend},
			[]string{`client <- "bye"`, "shutdown client", `upstream <- "bye"`, "shutdown upstream"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTunnel(t)
			w.fake.stuck, w.fake.blocked = test.stuck, test.blocked
			last := len(test.events) - 1
			for _, event := range test.events[:last] {
				event(w)
			}
			w.wants(t, test.want...)
			test.events[last](w)
			w.wants(t, "close upstream", "close client")
			if len(w.done) != 1 || w.done[0].Flags != 0 || w.done[0].RequestBytes != 3 || w.done[0].ResponseBytes != 3 {
				t.Errorf("reported %+v", w.done)
			}
		})
	}
}

// Whoever does not take what was said last is not waited for without end.
func TestTunnelEndsInSpiteOfAStall(t *testing.T) {
	for _, stuck := range []bool{false, true} {
		w := newTunnel(t)
		w.fake.stuck, w.fake.blocked = stuck, !stuck
		w.upstream("bye")
		w.upstreamEnds(nil)
		w.client("bye")
		w.conn.Ended(nil)
		w.pass(DefaultLimits().Stall - 1)
		if w.fake.client.dead || w.backend().dead {
			t.Fatal("it ended too early")
		}
		w.pass(1)
		if !w.fake.client.dead || !w.backend().dead || w.loop.Active.Load() != 0 {
			t.Error("it has not ended")
		}
	}
}

// A backend that has ended its half, and then takes nothing any more, does not
// keep the client from being read to its end.
func TestTunnelOfABackendThatIsGone(t *testing.T) {
	w := newTunnel(t)
	w.fake.stuck = true
	w.upstreamEnds(nil)
	w.client("to nobody")
	if w.conn.Want(1) != 0 {
		t.Fatal("the client is read though the backend does not take")
	}
	w.backend().peer.Broken()
	if w.conn.Want(1) == 0 {
		t.Error("the client is not read")
	}
	w.conn.Ended(nil)
	if !w.fake.client.dead || w.loop.Active.Load() != 0 {
		t.Error("the tunnel has not ended")
	}
}

// An HTTP/2 backend whose window is shut gets the rest when it opens it.
func TestTunnelToAWindowThatIsShut(t *testing.T) {
	const (
		narrow = "\x00\x00\x0c\x04\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01\x00\x04\x00\x00\x00\x02"
		opens  = "\x00\x00\x04\x08\x00\x00\x00\x00\x01\x00\x00\x00\x10"
	)
	w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
	w.client(upgradeRequest)
	w.connected()
	w.loop.Flush()
	w.says(narrow)
	w.says(success)
	w.backend().sent.Reset()
	w.client("bye")
	w.conn.Ended(nil)
	w.says(farewell)
	if w.fake.client.dead {
		t.Fatal("the tunnel ended before the rest was sent")
	}
	w.says(opens)
	if got := w.backend().sent.String(); !strings.HasPrefix(got, "\x00\x00\x02\x00\x00\x00\x00\x00\x01by"+"\x00\x00\x01\x00\x00\x00\x00\x00\x01e"+"\x00\x00\x00\x00\x01\x00\x00\x00\x01") {
		t.Errorf("the backend got %q", got)
	}
	if !w.fake.client.dead || w.loop.Active.Load() != 0 {
		t.Error("the tunnel has not ended")
	}
}
