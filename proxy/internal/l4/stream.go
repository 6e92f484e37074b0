package l4

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/keepalive"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/proxyproto"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// Conn is a connection whose directions end one by one: *net.TCPConn or
// *tls.Conn. Data between two of *net.TCPConn itself is spliced; a wrapper
// around one loses that.
type Conn interface {
	net.Conn
	CloseWrite() error
}

// Stream is a connection that is to be forwarded.
type Stream struct {
	Conn Conn
	// Head is what was read from Conn already. It is sent first.
	Head []byte
	// Source and Destination are the client and what it connected to, as told by
	// a PROXY protocol header where there was one that is believed.
	Source, Destination netip.AddrPort
	// Port is the one that it was accepted on.
	Port uint16
	// ServerName is what the client asked for, if it did.
	ServerName string
	// Passthrough says that the bytes are a TLS session of the client's own, which
	// the endpoint is to end: there is no TLS of the proxy's around it.
	Passthrough bool
	// Listener is needed by Serve, and nil for Refuse.
	Listener *snapshot.Listener
	// Rule may be nil: the connection is refused.
	Rule     *snapshot.Rule
	Snapshot *snapshot.Snapshot
	// Start is when the connection was accepted.
	Start time.Time
}

// Serve forwards a Stream until both directions have ended, or one has broken,
// or both were idle for too long. It closes the connection in any case, tells
// the observer, and returns. A connection that no endpoint can be found for is
// reset.
func (s *Server) Serve(st *Stream) {
	if !s.admit(st.Listener) {
		s.refuse(st, 0, reset)
		return
	}
	defer s.leave(st.Listener)
	s.grow(tunnelSize)
	if s.opts.Gate.Level() >= overload.ShedRequests {
		s.opts.Gate.Refuse(overload.Overloaded)
		s.refuse(st, 0, reset)
		return
	}
	if !s.opts.Gate.Borrow() {
		s.refuse(st, probe.FlagUpstreamFailed, reset)
		return
	}
	defer s.opts.Gate.Return()
	// A Close of the Server must end a connection in whatever it is about.
	defer context.AfterFunc(s.ctx, func() { st.Conn.Close() })()
	d := s.connect(st)
	if d.conn == nil {
		s.refused.Add(1)
		_ = reset(st.Conn)
		s.report(st, &d, nil)
		return
	}
	defer context.AfterFunc(s.ctx, func() { d.conn.Close() })()
	// A client that has a pager before it may take nothing for a while; if it cannot
	// be lifted, it has a minute.
	_ = keepalive.LiftFrom(st.Conn)
	t := newTunnel(s, st.Conn, d.conn, cmp.Or(st.Listener.Idle, s.opts.Idle))
	t.run(d.head, d.own)
	d.lease.end(t.outcome())
	s.report(st, &d, t)
}

// Refuse closes the connection of a Stream that no listener is for, and tells
// the observer.
func (s *Server) Refuse(st *Stream) { s.refuse(st, probe.FlagNoRoute, Conn.Close) }

func (s *Server) refuse(st *Stream, flags probe.Flags, closing func(Conn) error) {
	s.refused.Add(1)
	_ = closing(st.Conn)
	s.report(st, &dialed{flags: flags}, nil)
}

// header is the PROXY protocol header that a connection to the backend begins
// with; nil for none.
func (st *Stream) header(c *balance.Cluster) []byte {
	switch st.Snapshot.SentProxy(c) {
	case proxyconfig.ProxyV1:
		return proxyproto.AppendV1(nil, st.Source, st.Destination)
	case proxyconfig.ProxyV2:
		return proxyproto.AppendV2(nil, st.Source, st.Destination)
	}
	return nil
}

// report tells of a connection that has ended; t is nil where it never reached
// an endpoint.
func (s *Server) report(st *Stream, d *dialed, t *tunnel) {
	done := traffic.Done{
		Rule: st.Rule, Port: st.Port, Endpoint: d.endpoint,
		Start: st.Start, Duration: time.Since(st.Start),
		Protocol: probe.TCP, Flags: d.flags, Attempts: d.attempts,
		Client: st.Source, Host: []byte(st.ServerName),
	}
	if t != nil {
		done.Upstream = time.Since(d.at)
		done.Flags |= t.flags()
		done.RequestBytes, done.ResponseBytes = t.sent(), t.down.bytes
	}
	s.reports.report(&done)
}
