package listener

import (
	"errors"
	"syscall"
	"testing"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// A listener's own limit is in force with the configuration that has it, for
// those who come after.
func TestListenersBoundTheirConnections(t *testing.T) {
	c := below(proxyconfig.TCP, "TCPRoute", script(t, echo))
	p := start(t, settings{maxConnections: 1}, c)
	for most := int32(2); most <= 4; most += 2 {
		c.Listeners[0].Sessions = &proxyconfig.SessionLimits{Max: most}
		p.apply(c)
		for range 2 {
			one := p.dial()
			one.sendRaw("x")
			one.hearN("x")
		}
		if err := meet(p.addr()); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("one more than %d met %v", most, err)
		}
	}
}

func TestListenersBoundTheIdleTime(t *testing.T) {
	c := below(proxyconfig.TCP, "TCPRoute", script(t, echo))
	p := start(t, settings{}, c)
	before := p.dial()
	before.sendRaw("x")
	before.hearN("x")
	c.Listeners[0].Sessions = &proxyconfig.SessionLimits{IdleMillis: 100}
	p.apply(c)
	after := p.dial()
	after.sendRaw("x")
	after.hearN("x")
	if got := after.hear(); got != "" {
		t.Errorf("got %q", got)
	}
	if d := p.records.await(t, 1)[0]; d.Flags != probe.FlagTimeout {
		t.Errorf("got flags %b", d.Flags)
	}
	before.sendRaw("y")
	before.hearN("y")
}

func TestListenersBoundTheirSessions(t *testing.T) {
	c := below(proxyconfig.UDP, "UDPRoute", echoUDP(t, "u"))
	c.Listeners[0].Sessions = &proxyconfig.SessionLimits{Max: 1}
	p := start(t, settings{}, c)
	one, two := p.dialUDP(), p.dialUDP()
	one.ask("a", "u1 a")
	if _, err := two.Write([]byte("b")); err != nil {
		t.Fatal(err)
	}
	dropped := func() uint64 { stats := p.set.Stats(); return stats[len(stats)-1].Dropped }
	eventually(t, func() bool { return dropped() == 1 })
	// The first one's session has to end for the second to have a place.
	c.Listeners[0].Sessions.IdleMillis = 100
	p.apply(c)
	eventually(t, func() bool { return p.set.connections() == 0 })
	two.ask("c", "u2 c")
}
