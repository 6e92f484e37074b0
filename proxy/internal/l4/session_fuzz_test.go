package l4

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

const (
	fuzzedSessions  = 4
	fuzzedBackends  = 3
	fuzzedEndpoints = 3
)

// datagramClients are the clients of a port, and when each was heard of last.
type datagramClients struct {
	t     *testing.T
	world *world
	port  *UDPPort
	gate  *overload.Gate
	addrs []string
	// endpoints is how many of the addresses the backend has.
	endpoints int
	last      map[sessionKey]int64
	begun     int
	every     map[*balance.Endpoint]bool
}

// send has a client send a datagram, and holds what becomes of it to the room
// that there is and to the endpoints.
func (c *datagramClients) send(client int, size int) {
	key := sessionKey{client: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(1+client))}
	_, known := c.last[key]
	gone := known && c.port.sessions[key].flow.lease.endpoint.Gone()
	want := c.endpoints > 0
	switch {
	case known && !gone:
		want = true
	case !known && (len(c.last) >= fuzzedSessions || len(c.last) >= fuzzedBackends || c.gate.Level() >= overload.ShedRequests):
		want = false
	}
	if got := c.port.forward(key, make([]byte, size)); got != want {
		c.t.Fatalf("a datagram of one of %d sessions, its endpoint gone %v, with %d endpoints: got %v", len(c.last), gone, c.endpoints, got)
	}
	if !want {
		return
	}
	if !known {
		c.begun++
	}
	c.last[key] = c.world.clock.Load()
	s := c.port.sessions[key]
	if s == nil || s.flow.lease.endpoint.Gone() {
		c.t.Fatal("the datagram went to nobody")
	}
	c.every[s.flow.lease.endpoint] = true
}

// expire ends the sessions that were silent for a time.
func (c *datagramClients) expire(silent time.Duration) {
	c.port.Expire(silent)
	for key, last := range c.last {
		if c.world.clock.Load()-last >= int64(silent) {
			delete(c.last, key)
		}
	}
}

// check compares the sessions with those that there should be.
func (c *datagramClients) check() {
	if len(c.port.sessions) != len(c.last) || c.world.server.Stats().Sessions != int64(len(c.last)) {
		c.t.Fatalf("there are %d sessions, told %d, want %d", len(c.port.sessions), c.world.server.Stats().Sessions, len(c.last))
	}
	for key := range c.last {
		if c.port.sessions[key] == nil {
			c.t.Fatal("a session has gone")
		}
	}
	inFlight, leases := int64(0), int64(0)
	for e := range c.every {
		inFlight += e.InFlight()
	}
	for _, s := range c.port.sessions {
		if !s.flow.lease.ended {
			leases++
		} else if !s.flow.lease.endpoint.Gone() {
			c.t.Fatal("a session has let go of an endpoint that is there")
		}
	}
	if inFlight != leases {
		c.t.Fatalf("endpoints have %d sessions, want %d of %d", inFlight, leases, len(c.last))
	}
}

// apply gives the backend some of the addresses, beginning with one.
func (c *datagramClients) apply(first, n int) {
	var addrs []string
	for i := range n {
		addrs = append(addrs, c.addrs[(first+i)%len(c.addrs)])
	}
	c.endpoints = n
	c.world.apply(proxyconfig.UDP, backendOf(proxyconfig.UDP, addrs...))
}

func (c *datagramClients) step(op byte) {
	arg := int(op >> 3)
	switch op & 7 {
	case 0, 1, 2:
		c.send(arg%7, arg)
	case 3:
		c.expire(time.Duration(1+arg) * time.Second)
	case 4, 5:
		c.world.clock.Add(int64(time.Second) * int64(arg))
	case 6:
		c.apply(arg&3, arg>>2%(fuzzedEndpoints+1))
	case 7:
		c.gate.Set(overload.Level(arg & 3))
	}
}

// borrowed returns how many of the gate's connections to backends are in use.
func (c *datagramClients) borrowed() int {
	free := 0
	for c.gate.Borrow() {
		free++
	}
	for range free {
		c.gate.Return()
	}
	return fuzzedBackends - free
}

// FuzzSessions has clients send datagrams, endpoints come and go, levels change
// and time pass. There are as many sessions as there may be and no more, each with
// an endpoint that is there; who is silent is forgotten, and nobody else; and what
// a session held is given back, once.
func FuzzSessions(f *testing.F) {
	f.Add([]byte("\x00\x08\x10\x18\x00\x24\x08\x1b\x18"))
	f.Add([]byte("\x00\x26\x00\x08\x06\x00\x10\x2e\x08\x10"))
	f.Add([]byte("\x1f\x00\x07\x00\x17\x00\x08\xfc\xfb\x08"))
	var addrs []string
	for range fuzzedEndpoints {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() { conn.Close() })
		addrs = append(addrs, conn.LocalAddr().String())
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > 200 {
			return
		}
		c := &datagramClients{
			t: t, addrs: addrs, endpoints: 1, last: map[sessionKey]int64{}, every: map[*balance.Endpoint]bool{},
			gate: overload.NewGate(overload.Limits{Backends: fuzzedBackends}),
		}
		// The port's own sweeps come by another clock, and find nothing.
		c.world = newWorld(t, Options{SessionIdle: 1 << 60, MaxSessions: fuzzedSessions, Gate: c.gate}, proxyconfig.UDP, addrs[0])
		c.port, _ = c.world.openUDP()
		for _, op := range ops {
			c.step(op)
			c.check()
		}
		if got := c.borrowed(); got != len(c.last) {
			t.Errorf("%d connections are borrowed for %d sessions", got, len(c.last))
		}
		c.world.closeUDP()
		c.last = nil
		c.check()
		if got := len(c.world.reports()); got != c.begun || c.borrowed() != 0 {
			t.Errorf("told of %d sessions of %d, with %d connections left", got, c.begun, c.borrowed())
		}
	})
}
