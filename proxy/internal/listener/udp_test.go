package listener

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
)

func contextOf(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }

// echoUDP starts a backend that answers each datagram with its name, the number
// of the peer that it comes from, and the datagram.
func echoUDP(t testing.TB, name string) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		peers := map[string]int{}
		b := make([]byte, 64<<10)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if peers[from.String()] == 0 {
				peers[from.String()] = len(peers) + 1
			}
			conn.WriteTo(fmt.Appendf(nil, "%s%d %s", name, peers[from.String()], b[:n]), from)
		}
	})
	t.Cleanup(func() {
		conn.Close()
		running.Wait()
	})
	return conn.LocalAddr().String()
}

type udpConn struct {
	t testing.TB
	*net.UDPConn
}

func (p *proxy) dialUDP() *udpConn {
	p.t.Helper()
	c, err := net.Dial("udp", p.addr())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	return &udpConn{p.t, c.(*net.UDPConn)}
}

// try sends a datagram and returns the answer, or "" if there is none in time.
func (c *udpConn) try(s string, wait time.Duration) string {
	c.t.Helper()
	if _, err := c.Write([]byte(s)); err != nil {
		return ""
	}
	c.SetReadDeadline(time.Now().Add(wait))
	b := make([]byte, 64<<10)
	n, _ := c.Read(b)
	return string(b[:n])
}

// answer sends a datagram of which the answer cannot be lost.
func (c *udpConn) answer(s string) string { return c.try(s, 20*time.Second) }

func (c *udpConn) ask(s, want string) {
	c.t.Helper()
	if got := c.answer(s); got != want {
		c.t.Errorf("got %.100q, want %.100q", got, want)
	}
}

func TestUDPSessionsStickToTheirEndpoint(t *testing.T) {
	p := start(t, settings{}, below(proxyconfig.UDP, "UDPRoute", echoUDP(t, "a"), echoUDP(t, "b")))
	one, two := p.dialUDP(), p.dialUDP()
	first, second := one.answer("x"), two.answer("x")
	if first == second || first == "" || second == "" {
		t.Errorf("two clients got %q and %q, want one endpoint each", first, second)
	}
	for range 5 {
		one.ask("x", first)
		two.ask("x", second)
	}
	large := string(make([]byte, 60000))
	one.ask(large, first[:3]+large)
	one.ask("", first[:3])
	p.set.Close()
	for _, d := range p.records.await(t, 2) {
		if d.Protocol != probe.UDP || d.Rule == nil || d.Endpoint == nil || d.Attempts != 1 || d.Flags != 0 || d.RequestBytes < 6 {
			t.Errorf("got %+v", d.Done)
		}
	}
}

func TestUDPSessionMovesOn(t *testing.T) {
	a, b := echoUDP(t, "a"), echoUDP(t, "b")
	p := start(t, settings{}, below(proxyconfig.UDP, "UDPRoute", a))
	c := p.dialUDP()
	c.ask("x", "a1 x")
	p.apply(below(proxyconfig.UDP, "UDPRoute", a, b))
	c.ask("x", "a1 x")
	p.apply(below(proxyconfig.UDP, "UDPRoute", b))
	c.ask("x", "b1 x")
	p.set.Close()
	if d := p.records.await(t, 1)[0]; d.Attempts != 2 || d.Flags != probe.FlagRetried || d.RequestBytes != 3 {
		t.Errorf("got %+v", d.Done)
	}
}

func TestUDPRefusalMovesTheSession(t *testing.T) {
	dead := fmt.Sprintf("127.0.0.1:%d", porttest.Free(t))
	p := start(t, settings{}, below(proxyconfig.UDP, "UDPRoute", dead, echoUDP(t, "b")))
	// One of two clients meets the dead endpoint, which costs it datagrams until
	// the refusal arrives.
	for range 2 {
		c := p.dialUDP()
		eventually(t, func() bool { return c.try("x", 100*time.Millisecond) != "" })
	}
	p.set.Close()
	retried := 0
	for _, d := range p.records.await(t, 2) {
		if d.Flags&probe.FlagRetried != 0 {
			retried++
		}
	}
	if retried == 0 {
		t.Error("no session met the dead endpoint and moved on")
	}
}

func TestUDPWithoutBackendIsDropped(t *testing.T) {
	c := below(proxyconfig.UDP, "UDPRoute")
	p := start(t, settings{}, c)
	if got := p.dialUDP().try("x", 100*time.Millisecond); got != "" {
		t.Errorf("got %q", got)
	}
	eventually(t, func() bool {
		stats := p.set.Stats()
		last := stats[len(stats)-1]
		return last.Dropped == 1 && last.Connections == 0
	})
}

// An answer comes from the address that the client sent to, also where the
// socket has all addresses.
func TestUDPAnswersFromTheAddressItWasSentTo(t *testing.T) {
	p := start(t, settings{everywhere: true}, below(proxyconfig.UDP, "UDPRoute", echoUDP(t, "a")))
	for _, host := range []string{"127.0.0.2", "127.0.0.3", "::1"} {
		c, err := net.Dial("udp", net.JoinHostPort(host, fmt.Sprint(p.port)))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		// A connected socket takes datagrams from its peer alone.
		if got := (&udpConn{t, c.(*net.UDPConn)}).answer("x"); len(got) != 4 {
			t.Errorf("%s: got %q", host, got)
		}
	}
}
