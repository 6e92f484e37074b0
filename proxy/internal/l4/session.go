package l4

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// session is a client's, with one endpoint at a time. What is not atomic is
// guarded by its port's mu.
type session struct {
	port *UDPPort
	key  sessionKey
	// control has the answers leave from the address that the client sent to.
	control []byte
	start   time.Time
	rule    *snapshot.Rule
	flow    *flow // nil until there is one
	flows   uint8
	sent    uint64
	flags   probe.Flags

	received atomic.Uint64
	// last is when a datagram went either way, on the Server's clock.
	last atomic.Int64
}

// newSession returns the session of a client; it joins its port's others once
// it has an endpoint.
func newSession(p *UDPPort, key sessionKey) *session {
	return &session{port: p, key: key, control: key.local.control(), start: time.Now()}
}

// forward sends a datagram. An endpoint that has gone or that refuses is
// replaced by another one.
func (s *session) forward(b []byte) bool {
	for range maxAttempts {
		if (s.flow == nil || !s.flow.usable()) && !s.move() {
			return false
		}
		s.last.Store(s.port.server.opts.Now())
		err := s.flow.send(b)
		if err == nil {
			s.sent += uint64(len(b))
			return true
		}
		if !isUnreachable(err) {
			return false
		}
		s.flow.fail()
	}
	return false
}

// move gives the session an endpoint by the rule that serves now.
func (s *session) move() bool {
	server := s.port.server
	if s.flow != nil {
		s.flow.close()
	}
	port := server.opts.Snapshot.Load().UDPPort(s.port.number)
	if port == nil {
		return false
	}
	backend := choose(port.Rule)
	if backend == nil {
		return false
	}
	e := server.endpoint(backend.Cluster, s.key.client.Addr(), s.refused())
	if e == nil {
		return false
	}
	f, err := s.open(e)
	if err != nil {
		return false
	}
	s.begin(f, port.Rule)
	return true
}

// refused is the endpoint that has refused the session's last datagram, which
// may come to the same backend again.
func (s *session) refused() []*balance.Endpoint {
	if s.flow == nil || !s.flow.failed.Load() {
		return nil
	}
	return []*balance.Endpoint{s.flow.lease.endpoint}
}

// open returns a flow to an endpoint, within the limits of its Cluster.
func (s *session) open(e *balance.Endpoint) (*flow, error) {
	server := s.port.server
	l := server.lease(e)
	if l == nil {
		return nil, errCircuitOpen
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(e.Addr))
	if err != nil {
		l.end(balance.Abandoned)
		if !overload.OutOfFiles(err) {
			e.Failed(server.opts.Now())
		}
		return nil, err
	}
	f, err := newFlow(s, l, conn)
	if err != nil {
		conn.Close()
		l.end(balance.Abandoned)
	}
	return f, err
}

func (s *session) begin(f *flow, rule *snapshot.Rule) {
	if s.flow == nil {
		s.port.sessions[s.key] = s
		s.port.server.sessions.Add(1)
	} else {
		s.flags |= probe.FlagRetried
	}
	s.flow, s.rule = f, rule
	s.flows = uint8(min(int(s.flows)+1, 255))
	s.port.running.Go(f.receive)
}

// end closes the session and tells the observer.
func (s *session) end() {
	delete(s.port.sessions, s.key)
	s.port.server.sessions.Add(-1)
	s.port.server.opts.Gate.Return()
	s.flow.close()
	duration := time.Since(s.start)
	if s.flow.failed.Load() {
		s.flags |= probe.FlagUpstreamFailed
	}
	s.port.server.reports.report(&traffic.Done{
		Rule: s.rule, Port: s.port.number, Endpoint: s.flow.lease.endpoint,
		Start: s.start, Duration: duration, Upstream: duration,
		Protocol: probe.UDP, Flags: s.flags, Attempts: s.flows,
		RequestBytes: s.sent, ResponseBytes: s.received.Load(),
		Client: unmap(s.key.client),
	})
}

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
