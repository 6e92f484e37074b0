package l4

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// maxAttempts bounds the endpoints that are tried for one connection, or for
// one datagram.
const maxAttempts = 3

// dialed is how connecting went. conn is nil where it failed.
type dialed struct {
	conn     *net.TCPConn
	endpoint *balance.Endpoint
	// at is when the connection was established.
	at       time.Time
	attempts uint8
	flags    probe.Flags
}

// connect finds an endpoint that takes a connection. Each is tried once.
func (s *Server) connect(st *Stream) (d dialed) {
	cluster := choose(st.Rule)
	if cluster == nil {
		d.flags = probe.FlagUpstreamFailed
		if st.Rule == nil {
			d.flags = probe.FlagNoRoute
		}
		return d
	}
	var tried []*balance.Endpoint
	dialer := net.Dialer{Timeout: s.opts.Connect}
	for range maxAttempts {
		e := cluster.Pick(s.opts.Now())
		if e == nil || slices.Contains(tried, e) {
			break
		}
		tried = append(tried, e)
		d.endpoint, d.attempts = e, d.attempts+1
		conn, err := dialer.DialTCP(s.ctx, "tcp", netip.AddrPort{}, e.Addr)
		if err == nil {
			e.Succeeded()
			d.conn, d.at = conn, time.Now()
			break
		}
		if s.ctx.Err() != nil {
			return d
		}
		if overload.OutOfFiles(err) {
			break
		}
		e.Failed(s.opts.Now())
	}
	if d.conn == nil {
		d.flags |= probe.FlagUpstreamFailed
	}
	if d.attempts > 1 {
		d.flags |= probe.FlagRetried
	}
	return d
}

// choose returns the backend for the next connection or session of a rule, or
// nil where there is none.
func choose(rule *snapshot.Rule) *balance.Cluster {
	if rule == nil || rule.Fail != 0 {
		return nil
	}
	b, ok := rule.Backends.Pick()
	if !ok {
		return nil
	}
	return b.Cluster
}
