package exchange

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// newMirroringWorld has one endpoint, which gets the copies, too.
func newMirroringWorld() *world { return newWorldOf(1, mirroring()) }

// mirroring is a rule that has all requests copied.
func mirroring() proxyconfig.Rule {
	return proxyconfig.Rule{Filters: []proxyconfig.Filter{{
		Type: proxyconfig.FilterMirror, Mirror: &proxyconfig.Mirror{Backend: "ns/b:80"},
	}}}
}

// The copy gets what the request gets, piece by piece, and its answer goes
// nowhere; it is no request of a client.
func TestMirror(t *testing.T) {
	w := newMirroringWorld()
	w.client("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
	copied, original := w.fake.all[0], w.fake.all[1]
	for _, c := range []*fakeConn{copied, original} {
		c.peer.(Backend).Connected()
	}
	w.client("bc")
	for _, c := range []*fakeConn{copied, original} {
		if got := c.sent.String(); !strings.HasPrefix(got, "POST /x HTTP/1.1\r\n") || !strings.HasSuffix(got, "\r\n\r\nabc") {
			t.Errorf("got %q", got)
		}
	}
	copied.peer.Data([]byte("HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"))
	original.peer.Data([]byte(ok))
	if got := w.full(); !strings.HasSuffix(got, "\r\n\r\nok") || strings.Contains(got, "no") {
		t.Errorf("the client got %q", got)
	}
	if len(w.done) != 1 || w.loop.Active.Load() != 0 || len(w.loop.mirrors) != 0 {
		t.Errorf("%d records, %d active, %d copies left", len(w.done), w.loop.Active.Load(), len(w.loop.mirrors))
	}
}

// A copy that cannot be sent, or is not answered, harms nobody and ends.
func TestMirrorFails(t *testing.T) {
	for name, event := range map[string]func(*world, *fakeConn){
		"refused": func(_ *world, c *fakeConn) { c.peer.Ended(errors.New("refused")) },
		"reset": func(_ *world, c *fakeConn) {
			c.peer.(Backend).Connected()
			c.peer.Ended(errors.New("reset"))
		},
		"silent": func(w *world, c *fakeConn) {
			c.peer.(Backend).Connected()
			w.loop.SetNow(w.loop.Now() + int64(mirrorTime+time.Second))
			w.loop.Sweep()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMirroringWorld()
			w.client(get)
			copied, original := w.fake.all[0], w.fake.all[1]
			original.peer.(Backend).Connected()
			original.peer.Data([]byte(ok))
			for i := 0; i < maxConnects && len(w.loop.mirrors) > 0; i++ {
				event(w, copied)
				copied = w.fake.all[len(w.fake.all)-1]
			}
			if got := w.full(); !strings.HasSuffix(got, "\r\n\r\nok") {
				t.Errorf("the client got %q", got)
			}
			if len(w.loop.mirrors) != 0 {
				t.Error("the copy goes on")
			}
		})
	}
}

// The copy of a request that its client breaks off ends with it.
func TestMirrorOfABrokenRequest(t *testing.T) {
	w := newMirroringWorld()
	w.client("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
	w.fake.all[0].peer.(Backend).Connected()
	w.conn.Broken()
	if len(w.loop.mirrors) != 0 || !w.fake.all[0].dead {
		t.Error("the copy goes on")
	}
}
