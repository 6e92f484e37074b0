package collect

import (
	"math/rand/v2"
	"testing"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/procnet"
	"github.com/fleetgate/fleetgate/bpf/internal/sockdiag"
)

// link is a connection, as the kernel knows it.
type link struct {
	key    bpf.L4FlowKey
	socket sockdiag.Socket
	// before says that it was open before anything was counted.
	before bool
}

// network is connections, flows that have the bytes of those that have ended alone,
// and a collector that reads both.
type network struct {
	flows fakeConnections
	open  []*link
	next  uint64
	// between happens after the flows were read, and before the sockets are.
	between   func()
	unsettled uint64
	*Collector
}

func newNetwork() *network {
	n := &network{flows: fakeConnections{}, between: func() {}, unsettled: 1}
	d := &Directory{}
	n.Collector = New(Options{
		Directory: d,
		State:     n.state,
		Kernel:    func() (procnet.Counters, error) { return procnet.Counters{}, nil },
		Sockets: func(fn func(*sockdiag.Socket)) error {
			n.between()
			for _, l := range n.open {
				fn(&l.socket)
			}
			return nil
		},
	})
	return n
}

func (n *network) state() State { return State{Connections: n.flows, Unsettled: n.unsettled} }

// named tells the names of what connections are with.
func (n *network) named(t *testing.T) {
	t.Helper()
	err := n.Replace(n.state(), &probe.Tables{
		Backends:  []probe.Backend{{ID: 5, Namespace: "shop", Service: "cart", Port: 80}},
		Ports:     []probe.Port{{Number: 443, Listener: "web"}},
		Endpoints: []probe.Endpoint{{Address: addr("10.0.0.7:8080"), Backend: 5}},
	}, func(Gone) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
}

func (n *network) connect(side bpf.L4Side, before bool) {
	n.next++
	l := &link{key: bpf.L4FlowKey{Side: uint32(side), Id: 443}, before: before}
	l.socket = sockdiag.Socket{Local: addr("10.0.0.1:443"), Remote: addr("10.9.9.9:50000"), Cookie: n.next}
	if side == bpf.L4SideSIDE_UPSTREAM {
		l.key.Id = 5
		l.socket.Local, l.socket.Remote, l.socket.Acknowledged = addr("10.0.0.1:40000"), addr("10.0.0.7:8080"), 1
	}
	n.open = append(n.open, l)
	if !before {
		n.flow(l.key).Opened++
	}
}

func (n *network) flow(key bpf.L4FlowKey) *bpf.L4Flow {
	if n.flows[key] == nil {
		n.flows[key] = &bpf.L4Flow{}
	}
	return n.flows[key]
}

// end ends one of the connections, and has its bytes be in its flow.
func (n *network) end(i int) {
	l := n.open[i]
	n.open = append(n.open[:i], n.open[i+1:]...)
	if l.before {
		return
	}
	f := n.flow(l.key)
	f.Closed[bpf.L4CloseReasonCLOSE_FIN]++
	f.Received += l.socket.Received
	f.Transmitted += l.socket.Acknowledged
	if l.key.Side == uint32(bpf.L4SideSIDE_UPSTREAM) {
		f.Transmitted--
	}
}

// bytes are what a scrape tells of a side.
func (n *network) bytes(side bpf.L4Side) payload {
	n.mu.Lock()
	defer n.mu.Unlock()
	if side == bpf.L4SideSIDE_UPSTREAM {
		f := &n.ledger.backends.of("shop/cart:80").all.flow
		return payload{f.received, f.transmitted}
	}
	f := &n.ledger.listeners.of("web").all.flow
	return payload{f.received, f.transmitted}
}

func (n *network) scrape(t *testing.T) { lines(t, n.Collector) }

func TestOpenConnectionsAreToldOnceAndForAll(t *testing.T) {
	n := newNetwork()
	n.connect(bpf.L4SideSIDE_DOWNSTREAM, true)
	n.open[0].socket.Received = 1000
	if err := n.Attached(n.state()); err != nil {
		t.Fatal(err)
	}
	n.named(t)
	n.connect(bpf.L4SideSIDE_DOWNSTREAM, false)
	n.connect(bpf.L4SideSIDE_UPSTREAM, false)
	n.open[1].socket.Received, n.open[1].socket.Acknowledged = 70, 30
	n.open[2].socket.Received, n.open[2].socket.Acknowledged = 7, 3+1
	check := func(when string, down, up payload) {
		t.Helper()
		n.scrape(t)
		if got := n.bytes(bpf.L4SideSIDE_DOWNSTREAM); got != down {
			t.Errorf("%s: got %+v of clients, want %+v", when, got, down)
		}
		if got := n.bytes(bpf.L4SideSIDE_UPSTREAM); got != up {
			t.Errorf("%s: got %+v of backends, want %+v", when, got, up)
		}
	}
	check("while they are open", payload{70, 30}, payload{7, 3})
	n.open[1].socket.Received = 80
	n.open[0].socket.Received = 2000 // of before
	check("later", payload{80, 30}, payload{7, 3})
	n.between = func() { n.end(1) }
	check("when one ends in between", payload{80, 30}, payload{7, 3})
	n.between = func() {}
	check("when it has ended", payload{80, 30}, payload{7, 3})
	n.end(0)
	n.end(0)
	check("when all have ended", payload{80, 30}, payload{7, 3})
	// Another counting begins with nothing.
	n.flows, n.unsettled = fakeConnections{}, 2
	n.connect(bpf.L4SideSIDE_DOWNSTREAM, true)
	n.open[0].socket.Received = 5
	if err := n.Attached(n.state()); err != nil {
		t.Fatal(err)
	}
	n.connect(bpf.L4SideSIDE_DOWNSTREAM, false)
	n.open[1].socket.Received = 6
	check("after another has begun", payload{86, 30}, payload{7, 3})
}

// TestOpenConnectionsAddUp has connections of both sides come, go on and end, also
// between the two readings. No byte is told before it was sent, none twice, and in the
// end all are.
func TestOpenConnectionsAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	n := newNetwork()
	n.named(t)
	if err := n.Attached(n.state()); err != nil {
		t.Fatal(err)
	}
	sides := []bpf.L4Side{bpf.L4SideSIDE_DOWNSTREAM, bpf.L4SideSIDE_UPSTREAM}
	var sent, told [2]payload
	step := func() {
		for range r.IntN(4) {
			n.connect(sides[r.IntN(2)], false)
		}
		for _, l := range n.open {
			received, transmitted := r.Uint64N(100), r.Uint64N(100)
			l.socket.Received += received
			l.socket.Acknowledged += transmitted
			sent[l.key.Side] = sent[l.key.Side].plus(payload{received, transmitted})
		}
		for range r.IntN(4) {
			if len(n.open) > 0 {
				n.end(r.IntN(len(n.open)))
			}
		}
	}
	n.between = step
	compareTo := func(exact bool) {
		t.Helper()
		n.scrape(t)
		for i, side := range sides {
			now := n.bytes(side)
			if now.received < told[i].received || now.transmitted < told[i].transmitted {
				t.Fatalf("side %d goes back from %+v to %+v", side, told[i], now)
			}
			if now.received > sent[i].received || now.transmitted > sent[i].transmitted || exact && now != sent[i] {
				t.Fatalf("side %d: %+v are told of %+v", side, now, sent[i])
			}
			told[i] = now
		}
	}
	for range 300 {
		step()
		compareTo(false)
	}
	n.between = func() {}
	compareTo(true)
	for len(n.open) > 0 {
		n.end(0)
	}
	compareTo(true)
}
