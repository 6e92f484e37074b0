package l4

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// kind is what sessions of a test are.
type kind string

const (
	tcp        kind = "TCP"
	passed     kind = "TLS passed through"
	terminated kind = "TLS terminated"
	udp        kind = "UDP"
)

// onKinds runs a test for sessions of each kind.
func onKinds(t *testing.T, f func(t *testing.T, k kind)) {
	for _, k := range []kind{tcp, passed, terminated, udp} {
		t.Run(string(k), func(t *testing.T) { f(t, k) })
	}
}

func (k kind) protocol() proxyconfig.Protocol {
	if k == udp {
		return proxyconfig.UDP
	}
	return proxyconfig.TCP
}

// named starts a backend that answers whatever it is asked with its name.
func (k kind) named(t testing.TB, name byte) string {
	if k == udp {
		return namedUDP(t, name)
	}
	return serveTCP(t, func(c *net.TCPConn) { serveNamed(c, name) })
}

// serveNamed resets the connection where it is asked for that.
func serveNamed(c *net.TCPConn, name byte) {
	b := make([]byte, 1)
	for {
		if _, err := c.Read(b); err != nil {
			return
		}
		if b[0] == '!' {
			c.SetLinger(0)
			return
		}
		c.Write([]byte{name})
	}
}

func namedUDP(t testing.TB, name byte) string {
	return serveUDP(t, func([]byte) []byte { return []byte{name} })
}

// sessions are those of a world whose backends have names.
type sessions struct {
	*world
	kind    kind
	ln      net.Listener
	serving sync.WaitGroup
	cert    tls.Certificate
	port    *UDPPort
	addr    string
}

// newSessions has sessions forwarded to n backends, "a" and so on, by a policy.
func newSessions(t *testing.T, k kind, p *proxyconfig.Policy, n int) *sessions {
	t.Helper()
	var addrs []string
	for i := range n {
		addrs = append(addrs, k.named(t, 'a'+byte(i)))
	}
	b := backendOf(k.protocol(), addrs...)
	b.Policy = p
	return newSessionsOf(t, Options{}, k, b)
}

func newSessionsOf(t *testing.T, o Options, k kind, b proxyconfig.Backend) *sessions {
	t.Helper()
	s := &sessions{world: newWorldOf(t, o, k.protocol(), b), kind: k, ln: listen(t)}
	switch k {
	case terminated:
		s.cert, _ = selfSigned(t, "l4.example")
	case udp:
		s.port, s.addr = s.openUDP()
	}
	t.Cleanup(func() {
		s.server.Close()
		s.serving.Wait()
	})
	return s
}

// open begins a session of a client at an address of this machine. It is closed
// by the end of the test.
func (s *sessions) open(client string) net.Conn {
	s.t.Helper()
	from := netip.MustParseAddr(client)
	if s.kind == udp {
		to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(s.addr))
		c, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), to)
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { c.Close() })
		return c
	}
	c := s.serve(s.ln, &s.serving, func(st *Stream) {
		st.Source = netip.AddrPortFrom(from, st.Source.Port())
		st.Passthrough = s.kind == passed
		if s.kind == terminated {
			st.Conn = tls.Server(st.Conn, &tls.Config{Certificates: []tls.Certificate{s.cert}})
		}
	})
	s.t.Cleanup(func() { c.Close() })
	if s.kind == terminated {
		return tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	return c
}

// where asks for the name of the endpoint that a session is with.
func where(c net.Conn) (string, error) {
	c.SetDeadline(time.Now().Add(time.Minute))
	b := make([]byte, 1)
	if _, err := c.Write([]byte("?")); err != nil {
		return "", err
	}
	_, err := c.Read(b)
	return string(b), err
}

// hold opens sessions and leaves them open; it returns how many each endpoint
// has of them.
func (s *sessions) hold(n int) (conns []net.Conn, shares map[string]int) {
	s.t.Helper()
	shares = map[string]int{}
	for range n {
		c := s.open("127.0.0.1")
		name, err := where(c)
		if err != nil {
			s.t.Fatal(err)
		}
		shares[name]++
		conns = append(conns, c)
	}
	return conns, shares
}

// refuses reports whether one more session is refused: a connection is reset,
// and a datagram dropped.
func (s *sessions) refuses() bool {
	s.t.Helper()
	before := s.server.Stats()
	c := s.open("127.0.0.1")
	if s.kind != udp {
		_, err := where(c)
		return err != nil && s.server.Stats().Refused == before.Refused+1
	}
	c.Write([]byte("?"))
	eventually(s.t, func() bool {
		after := s.server.Stats()
		return after.Dropped > before.Dropped || after.Sessions > before.Sessions
	})
	return s.server.Stats().Dropped > before.Dropped
}

// end ends the connections, or all of the sessions that datagrams have.
func (s *sessions) end(conns ...net.Conn) {
	for _, c := range conns {
		c.Close()
	}
	if s.kind == udp {
		s.clock.Add(int64(time.Hour))
		s.port.Expire(0)
	}
}

func (s *sessions) cluster() *balance.Cluster { return s.registry.Clusters()[0] }

// inFlight is how many sessions the endpoints have, in all.
func (s *sessions) inFlight() (n int64) {
	for _, e := range s.cluster().Endpoints() {
		n += e.InFlight()
	}
	return n
}

// wantNothingCounted waits for the sessions to be counted out: each of them once,
// so that as many connections and requests as the limits allow are to be had,
// and no more.
func (s *sessions) wantNothingCounted(limit int) {
	s.t.Helper()
	eventually(s.t, func() bool { return s.inFlight() == 0 })
	c, e := s.cluster(), s.cluster().Endpoints()[0]
	// A session leaves the connections after the requests.
	eventually(s.t, func() bool {
		got := 0
		for got <= limit && e.Connect() {
			got++
		}
		for range got {
			e.Disconnected()
		}
		if got > limit {
			s.t.Fatalf("more than %d connections are to be had", limit)
		}
		return got == limit
	})
	for range limit {
		if c.Pick(s.clock.Load()) == nil {
			s.t.Fatal("the circuit is open for no session")
		}
		e.Begin()
	}
	if c.Pick(s.clock.Load()) != nil {
		s.t.Errorf("more than %d requests are to be had", limit)
	}
	for range limit {
		e.End(0, s.clock.Load(), balance.Abandoned)
	}
}
