package exchange

import (
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
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

// walk returns how many connections a list has, whose links by are whole.
func (l *idleList) walk(t *testing.T, by int) (n int) {
	t.Helper()
	var last *idleConn
	for e := l.oldest; e != nil; last, e = e, e.links[by].newer {
		if n++; e.links[by].older != last || n > 100 {
			t.Fatal("the list is broken")
		}
	}
	if l.newest != last {
		t.Fatal("the newest is not the last one")
	}
	return n
}

// Connections leave the lists from wherever they are in them, and a Cluster
// without connections is forgotten.
func TestIdleConnectionsAreListed(t *testing.T) {
	var l idleConns
	ends := []*balance.Endpoint{{Cluster: new(balance.Cluster)}, {Cluster: new(balance.Cluster)}}
	c := make([]idleConn, 6)
	for i := range c {
		c[i] = l.enter(ends[i%2], nil)
		l.add(&c[i])
		l.add(&c[i])
	}
	l.remove(&c[4])
	for left, i := range []int{1, 3, 0, 5, 2, 4} {
		l.leave(&c[i])
		l.leave(&c[i])
		want := len(c) - 1 - left
		conns := 0
		for _, of := range l.clusters {
			conns += of.conns
			of.idle.walk(t, ofCluster)
		}
		if conns != want || l.all.walk(t, ofAll) != max(want-1, 0) {
			t.Errorf("%d connections, %d idle, want %d and one less", conns, l.all.walk(t, ofAll), want)
		}
	}
	if len(l.clusters) != 0 {
		t.Errorf("%d clusters are left", len(l.clusters))
	}
}

// However many others are idle, it is not looked through them for those of one
// Cluster.
func TestMakingRoomLooksAtNoOthers(t *testing.T) {
	l := NewLoop(Options{})
	others, wanted := &balance.Endpoint{Cluster: new(balance.Cluster)}, &balance.Endpoint{Cluster: new(balance.Cluster)}
	given := 0
	conns := make([]idleConn, 3)
	for i, to := range []*balance.Endpoint{others, wanted, wanted} {
		conns[i] = l.idleConns.enter(to, func() { given = i })
		l.idleConns.add(&conns[i])
	}
	// Whoever comes by this one does not come back.
	conns[0].links[ofAll].newer = &conns[0]
	if !l.makeRoom(wanted.Cluster) || given != 1 {
		t.Errorf("connection %d was given up, want 1", given)
	}
	if !l.makeRoom(nil) || given != 0 {
		t.Errorf("connection %d was given up, want 0", given)
	}
	if l.makeRoom(new(balance.Cluster)) {
		t.Error("there was room for a Cluster without connections")
	}
}

// A backend is told that an HTTP/2 connection ends, if it can be without waiting.
func TestAConnectionThatMakesRoomSaysGoodbye(t *testing.T) {
	for _, busy := range []bool{false, true} {
		w := crowds["to the backend"](1, proxyconfig.BackendHTTP2)
		w.serve(proxyconfig.BackendHTTP2)
		w.turn()
		first := w.backend()
		before := first.sent.Len()
		// There is something to be read, or to be sent.
		first.ended = busy
		w.serve(proxyconfig.BackendHTTP2)
		const goAway = "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		want := goAway
		if busy {
			want = ""
		}
		if got := first.sent.String()[before:]; got != want || !first.dead || len(w.fake.all) != 2 {
			t.Errorf("busy %v: it was sent %q, want %q; closed %v", busy, got, want, first.dead)
		}
	}
}
