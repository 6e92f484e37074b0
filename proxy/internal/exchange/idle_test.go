package exchange

import (
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// crowds are the ways in which there can be no room for another connection.
var crowds = map[string]func(most int32, protocol string) *world{
	"to the backend": func(most int32, protocol string) *world {
		policy := &proxyconfig.Policy{Limits: &proxyconfig.CircuitLimits{MaxConnections: most}}
		return newWorldUnder(policy, protocol, 3, proxyconfig.Rule{})
	},
	"at all": func(most int32, protocol string) *world {
		w := newWorldBy(protocol, 3, proxyconfig.Rule{})
		w.fake.most = int(most)
		return w
	},
}

// answered is a response to the first stream of an HTTP/2 connection.
const answered = "\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88"

// serve has a request served by a connection of its own.
func (w *world) serve(protocol string) {
	w.client(get)
	w.connected()
	if protocol == proxyconfig.BackendHTTP2 {
		w.says(plainSettings + answered)
	} else {
		w.upstream(ok)
	}
	w.loop.SetNow(w.loop.Now() + 1)
}

// What has been idle for longest makes room for a connection to where there is
// none.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	for name, newCrowd := range crowds {
		for _, protocol := range []string{proxyconfig.BackendHTTP1, proxyconfig.BackendHTTP2} {
			t.Run(name+" by "+protocol, func(t *testing.T) {
				w := newCrowd(2, protocol)
				for range 4 {
					w.serve(protocol)
				}
				if len(w.fake.all) != 4 || len(w.fake.dialed) != 3 {
					t.Fatalf("%d connections were made to %d endpoints", len(w.fake.all), len(w.fake.dialed))
				}
				for i, c := range w.fake.all {
					if old := i < 2; c.dead != old {
						t.Errorf("connection %d: closed %v, want %v", i+1, c.dead, old)
					}
				}
				for _, d := range w.done {
					if d.Status != 200 {
						t.Errorf("got %d", d.Status)
					}
				}
			})
		}
	}
}

// What carries a request stays, and what is idle elsewhere is given up soon.
func TestBusyConnectionsMakeNoRoom(t *testing.T) {
	for name, newCrowd := range crowds {
		t.Run(name, func(t *testing.T) {
			w := newCrowd(1, proxyconfig.BackendHTTP1)
			w.client(get)
			w.connected()
			busy := w.backend()
			w.loop.SetNow(int64(time.Second))
			// This one might be idle in another loop.
			idle := &http1Backend{loop: w.loop, home: &w.loop.home, to: busy.peer.(*http1Backend).to, io: &fakeConn{fake: w.fake, name: "idle"}}
			idle.Tick()
			if idle.io.(*fakeConn).dead {
				t.Fatal("it was given up before anybody lacked a connection")
			}
			if name == "at all" {
				w.loop.opts.Gate = overload.NewGate(overload.Limits{})
			}
			other := w.another()
			other.Data([]byte(get))
			if busy.dead || len(w.done) != 1 || w.done[0].Status != 503 {
				t.Errorf("closed %v, reported %+v", busy.dead, w.done)
			}
			idle.to.endpoint.Connect()
			idle.Tick()
			if !idle.io.(*fakeConn).dead {
				t.Error("what was idle before is kept")
			}
			busy.peer.Data([]byte(ok))
			w.serve(proxyconfig.BackendHTTP1)
			if w.done[len(w.done)-1].Status != 200 {
				t.Errorf("got %d", w.done[len(w.done)-1].Status)
			}
		})
	}
}

// Connections leave the list from wherever they are in it.
func TestIdleConnectionsAreListed(t *testing.T) {
	var l idleConns
	c := make([]idleConn, 4)
	for i := range c {
		l.add(&c[i])
		l.add(&c[i])
	}
	for _, i := range []int{1, 3, 0, 0, 2} {
		l.remove(&c[i])
		n, last := 0, (*idleConn)(nil)
		for e := l.oldest; e != nil; last, e = e, e.newer {
			if n++; e.older != last || n > len(c) {
				t.Fatal("the list is broken")
			}
		}
		if l.newest != last {
			t.Fatal("the newest is not the last one")
		}
	}
	if l.oldest != nil {
		t.Error("some are left")
	}
}
