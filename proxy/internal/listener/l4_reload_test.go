package listener

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
)

// Sessions outlive what does not concern them, and even their listener's leaving.
func TestSessionsOutliveReloads(t *testing.T) {
	addr, port := script(t, echo), int32(porttest.Free(t))
	udp := echoUDP(t, "u")
	c := below(proxyconfig.TCP, "TCPRoute", addr)
	c.Listeners = append(c.Listeners, proxyconfig.Listener{Name: "udp", Protocol: proxyconfig.UDP})
	c.Routes = append(c.Routes, l4Route("UDPRoute", "u", "udp", "", "u"))
	u := backendAt("u", udp)
	u.Protocol = proxyconfig.BackendUDP
	c.Backends = append(c.Backends, u)
	p := start(t, settings{}, c)
	conn, datagrams := p.dial(), p.dialUDP()
	for i := range 5 {
		conn.sendRaw("x")
		conn.hearN("x")
		datagrams.ask("y", "u1 y")
		other := proxyconfig.Listener{Name: "other", Port: port, Protocol: proxyconfig.HTTP}
		if i%2 == 1 {
			other.Protocol = proxyconfig.TCP
		}
		c.Listeners = append(c.Listeners[:2:2], other)
		p.apply(c)
	}
	c.Listeners, c.Routes = c.Listeners[1:2], c.Routes[1:]
	p.apply(c)
	conn.sendRaw("z")
	conn.hearN("z")
	datagrams.ask("z", "u1 z")
	if _, err := net.Dial("tcp", p.addr()); err == nil {
		t.Error("the port is still open")
	}
	ctx, cancel := contextOf(100 * time.Millisecond)
	defer cancel()
	if err := p.set.Drain(ctx); err == nil {
		t.Error("drained beside an open session")
	}
	conn.sendRaw("!")
	conn.hearN("!")
	p.set.Close()
	if _, err := io.ReadAll(conn.r); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
	if d := p.records.await(t, 2); len(d) != 2 {
		t.Errorf("told of %d", len(d))
	}
}

// A port keeps its socket when it begins to speak something else.
func TestPortChangesWhatItSpeaks(t *testing.T) {
	_, web := serve(t, hello)
	p := start(t, settings{driver: Goroutines}, below(proxyconfig.TCP, "TCPRoute", script(t, echo)))
	ask := func() string {
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a", "Connection: close")
		c.CloseWrite()
		return c.hear()
	}
	socket := p.set.other.sockets[p.port]
	for i := range 4 {
		want := "bye"
		if i%2 == 1 {
			want = "hello"
			p.apply(to(web))
		} else {
			p.apply(below(proxyconfig.TCP, "TCPRoute", script(t, echo)))
		}
		if got := ask(); !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q at the end", got, want)
		}
	}
	if p.set.other.sockets[p.port] != socket {
		t.Error("the socket is another one")
	}
}
