package l4

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
)

// Of two endpoints both are compared each time, so that sessions that stay are
// shared evenly, and those that end make room where they were.
func TestLeastRequestCountsSessions(t *testing.T) {
	onKinds(t, func(t *testing.T, k kind) {
		s := newSessions(t, k, &proxyconfig.Policy{Algorithm: proxyconfig.LeastRequest}, 2)
		conns, shares := s.hold(8)
		if shares["a"] != 4 || shares["b"] != 4 {
			t.Errorf("got %v, want four each", shares)
		}
		if got := s.inFlight(); got != 8 {
			t.Errorf("%d in flight, want 8", got)
		}
		s.end(conns...)
		eventually(t, func() bool { return s.inFlight() == 0 })
	})
}

// The two that are compared are others each time.
func TestLeastRequestReachesAllEndpoints(t *testing.T) {
	onKinds(t, func(t *testing.T, k kind) {
		s := newSessions(t, k, &proxyconfig.Policy{Algorithm: proxyconfig.LeastRequest}, 4)
		_, shares := s.hold(40)
		for _, name := range []string{"a", "b", "c", "d"} {
			if shares[name] < 5 {
				t.Errorf("got %v, want about ten each", shares)
			}
		}
	})
}

func TestSessionsGoWhereOthersHaveEnded(t *testing.T) {
	s := newSessions(t, tcp, &proxyconfig.Policy{Algorithm: proxyconfig.LeastRequest}, 2)
	conns, _ := s.hold(8)
	for _, c := range conns {
		if name, _ := where(c); name == "a" {
			c.Close()
		}
	}
	eventually(t, func() bool { return s.inFlight() == 4 })
	if _, shares := s.hold(4); shares["a"] != 4 {
		t.Errorf("got %v, want all at the endpoint that has none", shares)
	}
}

// The latency of a session is known before it ends: with a connection, its
// handshake of TLS included, or with the first datagram that is answered.
func TestPeakEWMAKnowsHowLongSessionsTakeToBegin(t *testing.T) {
	policy := &proxyconfig.Policy{Algorithm: proxyconfig.PeakEWMA}
	t.Run("TCP", func(t *testing.T) {
		cert, bundle := selfSigned(t, "slow.internal")
		var serving atomic.Pointer[sessions]
		late := func() { serving.Load().clock.Add(int64(time.Second)) }
		b := backendOf(proxyconfig.TCP, handshaking(t, cert, 'a', late), handshaking(t, cert, 'b', func() {}))
		b.TLS, b.Policy = &proxyconfig.BackendTLS{ServerName: "slow.internal", CACertificates: bundle}, policy
		s := newSessionsOf(t, Options{}, tcp, b)
		serving.Store(s)
		if _, shares := s.hold(10); shares["a"] != 1 {
			t.Errorf("the slow one has %d of 10 sessions, want 1", shares["a"])
		}
	})
	t.Run("UDP", func(t *testing.T) {
		slow, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
		if err != nil {
			t.Fatal(err)
		}
		defer slow.Close()
		b := backendOf(proxyconfig.UDP, slow.LocalAddr().String(), namedUDP(t, 'b'))
		b.Policy = policy
		s := newSessionsOf(t, Options{}, udp, b)
		go func() {
			for {
				_, from, err := slow.ReadFromUDPAddrPort(make([]byte, 1))
				if err != nil {
					return
				}
				s.clock.Add(int64(time.Second))
				slow.WriteToUDPAddrPort([]byte("a"), from)
			}
		}()
		if _, shares := s.hold(10); shares["a"] != 1 {
			t.Errorf("the slow one has %d of 10 sessions, want 1", shares["a"])
		}
	})
}

// handshaking starts a backend that does something before the handshake, and
// then says its name.
func handshaking(t *testing.T, cert tls.Certificate, name byte, before func()) string {
	return serveTCP(t, func(c *net.TCPConn) {
		before()
		secured := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		b := make([]byte, 1)
		for {
			if _, err := secured.Read(b); err != nil {
				return
			}
			secured.Write([]byte{name})
		}
	})
}

func TestConsistentHashKeepsClientsTogether(t *testing.T) {
	policy := &proxyconfig.Policy{Algorithm: proxyconfig.ConsistentHash, Hash: &proxyconfig.HashKey{Source: proxyconfig.HashSourceIP}}
	onKinds(t, func(t *testing.T, k kind) {
		s := newSessions(t, k, policy, 4)
		places := map[string]bool{}
		for client := range 16 {
			var first string
			for i := range 3 {
				name, err := where(s.open(fmt.Sprintf("127.0.1.%d", client+1)))
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					first = name
				}
				if name != first {
					t.Errorf("client %d came to %s and to %s", client, first, name)
				}
			}
			places[first] = true
		}
		if len(places) < 2 {
			t.Error("all clients came to one endpoint")
		}
	})
}

// What exceeds a limit is refused at once, and what ends makes room.
func TestCircuitLimitsHoldForSessions(t *testing.T) {
	for name, limits := range map[string]proxyconfig.CircuitLimits{
		"connections": {MaxConnections: 2}, "requests": {MaxRequests: 2},
	} {
		t.Run(name, func(t *testing.T) {
			onKinds(t, func(t *testing.T, k kind) {
				s := newSessions(t, k, &proxyconfig.Policy{Limits: &limits}, 2)
				conns, _ := s.hold(2)
				for range 2 {
					if !s.refuses() {
						t.Error("a third session is served")
					}
				}
				for _, d := range s.reports() {
					if d.Flags != probe.FlagUpstreamFailed {
						t.Errorf("told of flags %b", d.Flags)
					}
				}
				s.end(conns...)
				eventually(t, func() bool { return s.inFlight() == 0 })
				eventually(t, func() bool { return !s.refuses() })
			})
		})
	}
}

// Connections that are being opened wait, of which there is a limit, too.
func TestCircuitLimitOfPending(t *testing.T) {
	cert, bundle := selfSigned(t, "slow.internal")
	begun, goOn := make(chan struct{}, 8), make(chan struct{})
	b := backendOf(proxyconfig.TCP, handshaking(t, cert, 'a', func() { begun <- struct{}{}; <-goOn }))
	b.TLS = &proxyconfig.BackendTLS{ServerName: "slow.internal", CACertificates: bundle}
	b.Policy = &proxyconfig.Policy{Limits: &proxyconfig.CircuitLimits{MaxPending: 1}}
	s := newSessionsOf(t, Options{Connect: time.Hour}, tcp, b)
	first := s.open("127.0.0.1")
	<-begun
	if !s.refuses() {
		t.Error("two connections wait")
	}
	close(goOn)
	if _, err := where(first); err != nil {
		t.Error(err)
	}
	if s.refuses() {
		t.Error("refused, though none waits")
	}
}

func TestNewEndpointsGetFewSessions(t *testing.T) {
	for _, algorithm := range []proxyconfig.Algorithm{proxyconfig.RoundRobin, proxyconfig.LeastRequest} {
		t.Run(string(algorithm), func(t *testing.T) {
			onKinds(t, func(t *testing.T, k kind) {
				policy := &proxyconfig.Policy{Algorithm: algorithm, SlowStartMillis: 60_000}
				before, fresh := k.named(t, 'a'), k.named(t, 'b')
				b := backendOf(k.protocol(), before)
				b.Policy = policy
				s := newSessionsOf(t, Options{}, k, b)
				b = backendOf(k.protocol(), before, fresh)
				b.Policy = policy
				s.apply(k.protocol(), b)
				if _, shares := s.hold(20); shares["b"] > 5 {
					t.Errorf("got %v, want few at the new endpoint", shares)
				}
			})
		})
	}
}

func TestSessionsStayInTheirZone(t *testing.T) {
	onKinds(t, func(t *testing.T, k kind) {
		b := backendOf(k.protocol(), k.named(t, 'a'), k.named(t, 'b'))
		b.Endpoints[0].Zone, b.Endpoints[1].Zone = "there", "here"
		b.Policy = &proxyconfig.Policy{Zone: &proxyconfig.ZonePreference{}}
		s := newSessionsOf(t, Options{}, k, b)
		if _, shares := s.hold(6); shares["b"] != 6 {
			t.Errorf("got %v, want all in the zone", shares)
		}
		s.cluster().Endpoints()[1].Failed(s.clock.Load())
		if _, shares := s.hold(2); shares["a"] != 2 {
			t.Errorf("got %v beside a zone that is out", shares)
		}
	})
}

// One connection finds out that an endpoint is down, and no other one is tried.
func TestFirstFailureEjects(t *testing.T) {
	for _, algorithm := range []proxyconfig.Algorithm{proxyconfig.LeastRequest, proxyconfig.PeakEWMA} {
		t.Run(string(algorithm), func(t *testing.T) {
			dead := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), porttest.Free(t))
			b := backendOf(proxyconfig.TCP, dead.String(), tcp.named(t, 'b'))
			b.Policy = &proxyconfig.Policy{Algorithm: algorithm}
			s := newSessionsOf(t, Options{}, tcp, b)
			conns, _ := s.hold(8)
			s.end(conns...)
			eventually(t, func() bool { return len(s.reports()) == 8 })
			retried := 0
			for _, d := range s.reports() {
				if d.Attempts == 2 {
					retried++
				}
			}
			if retried != 1 {
				t.Errorf("%d of 8 connections tried the dead endpoint, want 1", retried)
			}
			eventually(t, func() bool { return s.inFlight() == 0 })
		})
	}
}

// An endpoint that breaks off before it has said anything errs as one does that
// answers no request.
func TestConnectionsThatBreakEject(t *testing.T) {
	b := backendOf(proxyconfig.TCP, tcp.named(t, 'a'), tcp.named(t, 'b'))
	b.Policy = &proxyconfig.Policy{Ejection: &proxyconfig.Ejection{ConsecutiveErrors: 2}}
	s := newSessionsOf(t, Options{}, tcp, b)
	for range 4 {
		c := s.open("127.0.0.1")
		c.Write([]byte("!"))
		c.Read(make([]byte, 1))
	}
	eventually(t, func() bool { return s.cluster().Counts(s.clock.Load()).Ejected == 2 })
}

// Whatever ends a session, it is counted out, and once.
func TestSessionsAreCountedOut(t *testing.T) {
	const limit = 4
	limits := &proxyconfig.CircuitLimits{MaxConnections: limit, MaxRequests: limit}
	policy := &proxyconfig.Policy{Algorithm: proxyconfig.LeastRequest, Limits: limits, Ejection: &proxyconfig.Ejection{Disabled: true}}
	ends := map[string]func(s *sessions, conns []net.Conn){
		"client closes": func(s *sessions, conns []net.Conn) { s.end(conns...) },
		"client resets": func(s *sessions, conns []net.Conn) {
			for _, c := range conns {
				_ = reset(c.(Conn))
			}
		},
		"endpoint resets": func(s *sessions, conns []net.Conn) {
			for _, c := range conns {
				c.Write([]byte("!"))
			}
		},
		"idle":   func(s *sessions, _ []net.Conn) { s.clock.Add(int64(2 * time.Hour)) },
		"closed": func(s *sessions, _ []net.Conn) { s.server.Close() },
	}
	onKinds(t, func(t *testing.T, k kind) {
		for name, end := range ends {
			if k == udp {
				break
			}
			t.Run(name, func(t *testing.T) {
				b := backendOf(k.protocol(), k.named(t, 'a'), k.named(t, 'b'))
				b.Policy = policy
				o := Options{}
				if name == "idle" {
					// By the test's clock. By the real one a direction looks at that four times
					// as often, and has half of it for a write.
					o.Idle = 4 * time.Second
				}
				s := newSessionsOf(t, o, k, b)
				conns, _ := s.hold(3)
				end(s, conns)
				s.serving.Wait()
				s.wantNothingCounted(limit)
			})
		}
	})
}

// The same for datagrams: of sessions that expire, whose endpoint refuses or has
// gone, or whose port is closed.
func TestUDPSessionsAreCountedOut(t *testing.T) {
	const limit = 4
	limits := &proxyconfig.CircuitLimits{MaxConnections: limit, MaxRequests: limit}
	for name, end := range map[string]func(s *sessions, conns []net.Conn){
		"expired": func(s *sessions, _ []net.Conn) { s.end() },
		"moved": func(s *sessions, conns []net.Conn) {
			b := backendOf(proxyconfig.UDP, namedUDP(s.t, 'b'))
			b.Policy = &proxyconfig.Policy{Limits: limits}
			s.apply(proxyconfig.UDP, b)
			for _, c := range conns {
				if name, err := where(c); name != "b" {
					s.t.Errorf("got %q, %v after the endpoint had gone", name, err)
				}
			}
			if got := s.inFlight(); got != int64(len(conns)) {
				s.t.Errorf("%d in flight at the new endpoint, want %d", got, len(conns))
			}
			s.end()
		},
		"without a backend": func(s *sessions, conns []net.Conn) {
			b := backendOf(proxyconfig.UDP)
			b.Policy = &proxyconfig.Policy{Limits: limits}
			s.apply(proxyconfig.UDP, b)
			for range 2 {
				before := s.server.Stats().Dropped
				conns[0].Write([]byte("?"))
				eventually(s.t, func() bool { return s.server.Stats().Dropped > before })
			}
			s.end()
			b = backendOf(proxyconfig.UDP, namedUDP(s.t, 'b'))
			b.Policy = &proxyconfig.Policy{Limits: limits}
			s.apply(proxyconfig.UDP, b)
		},
		"closed": func(s *sessions, _ []net.Conn) { s.closeUDP() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSessions(t, udp, &proxyconfig.Policy{Limits: limits}, 1)
			conns, _ := s.hold(3)
			end(s, conns)
			s.wantNothingCounted(limit)
		})
	}
}

// A session whose endpoint refuses goes to another one, though a hash leads to
// the same and nothing is ejected.
func TestUDPSessionLeavesWhatRefusesIt(t *testing.T) {
	dead := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), porttest.Free(t))
	b := backendOf(proxyconfig.UDP, dead.String(), namedUDP(t, 'b'))
	b.Policy = &proxyconfig.Policy{
		Algorithm: proxyconfig.ConsistentHash, Hash: &proxyconfig.HashKey{Source: proxyconfig.HashSourceIP},
		Ejection: &proxyconfig.Ejection{Disabled: true},
	}
	s := newSessionsOf(t, Options{}, udp, b)
	for client := range 8 {
		c := s.open(fmt.Sprintf("127.0.1.%d", client+1))
		eventually(t, func() bool {
			c.Write([]byte("?"))
			c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			n, _ := c.Read(make([]byte, 1))
			return n == 1
		})
	}
	if got := s.inFlight(); got != 8 {
		t.Errorf("%d in flight, want one for each of 8 sessions", got)
	}
	s.end()
	if got := s.inFlight(); got != 0 {
		t.Errorf("%d in flight after the end", got)
	}
}

// Sessions that begin at one moment do not exceed the limit of connections.
func TestCircuitLimitHoldsForABurst(t *testing.T) {
	const limit = 3
	s := newSessions(t, tcp, &proxyconfig.Policy{Limits: &proxyconfig.CircuitLimits{MaxConnections: limit}}, 2)
	var mu sync.Mutex
	var served int
	var asking sync.WaitGroup
	for range 12 {
		c := s.open("127.0.0.1")
		asking.Go(func() {
			if _, err := where(c); err == nil {
				mu.Lock()
				served++
				mu.Unlock()
			}
		})
	}
	asking.Wait()
	if served != limit {
		t.Errorf("%d are served, want %d", served, limit)
	}
}
