package l4

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/keepalive"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// maxAttempts bounds the endpoints that are tried for one connection, or for
// one datagram.
const maxAttempts = 3

// dialed is how connecting went. conn is nil where it failed.
type dialed struct {
	conn Conn
	// head is what the endpoint is still to be sent first, of which own bytes are
	// not the client's.
	head     []byte
	own      int
	endpoint *balance.Endpoint
	// lease is of the endpoint that conn is with.
	lease *lease
	// at is when the connection was established.
	at       time.Time
	attempts uint8
	flags    probe.Flags
}

// connect finds an endpoint that takes a connection. Each is tried once, and
// where the limits of the backend are reached none is.
func (s *Server) connect(st *Stream) (d dialed) {
	backend := choose(st.Rule)
	if backend == nil || !st.Passthrough && backend.Transport.Err != nil {
		d.flags = probe.FlagUpstreamFailed
		if st.Rule == nil {
			d.flags = probe.FlagNoRoute
		}
		return d
	}
	var tried []*balance.Endpoint
	for range maxAttempts {
		e := s.endpoint(backend.Cluster, st.Source.Addr(), tried)
		if e == nil || slices.Contains(tried, e) {
			break
		}
		tried = append(tried, e)
		err := s.attempt(st, &d, e, backend.Transport.TLS)
		if err != nil && s.ctx.Err() != nil {
			return d
		}
		if err == nil || errors.Is(err, errCircuitOpen) || overload.OutOfFiles(err) {
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

// attempt connects with an endpoint within the limits of its Cluster. Nothing of
// an attempt that failed is counted any more.
func (s *Server) attempt(st *Stream, d *dialed, e *balance.Endpoint, config *tls.Config) error {
	l := s.lease(e)
	if l == nil {
		return errCircuitOpen
	}
	if !e.Cluster.Queue() {
		l.end(balance.Abandoned)
		return errCircuitOpen
	}
	defer e.Cluster.Dequeue()
	d.endpoint, d.attempts = e, d.attempts+1
	if err := s.reach(st, d, config); err != nil {
		l.end(balance.Abandoned)
		return err
	}
	l.reached()
	d.lease, d.at = l, time.Now()
	return nil
}

// patience is how long one attempt to reach an endpoint may take.
func (s *Server) patience() time.Duration {
	if snap := s.opts.Snapshot.Load(); snap != nil && snap.Settings != nil {
		if t := snap.Settings.Timeouts; t != nil && t.BackendConnectMillis > 0 {
			return time.Duration(t.BackendConnectMillis) * time.Millisecond
		}
	}
	return s.opts.Connect
}

// reach connects with the endpoint of d, and by TLS where config is not nil and
// what the client sends is not a TLS session already. A PROXY protocol header
// comes before the handshake.
func (s *Server) reach(st *Stream, d *dialed, config *tls.Config) error {
	ctx, cancel := context.WithTimeout(s.ctx, s.patience())
	defer cancel()
	dialer := keepalive.PatientDialer()
	nc, err := dialer.DialTCP(ctx, "tcp", netip.AddrPort{}, d.endpoint.Addr)
	if err != nil {
		return err
	}
	header := st.header(d.endpoint.Cluster)
	if config == nil || st.Passthrough {
		d.conn, d.head, d.own = nc, append(header, st.Head...), len(header)
		return nil
	}
	secured, err := secure(ctx, nc, header, config)
	if err != nil {
		nc.Close()
		return err
	}
	d.conn, d.head = secured, st.Head
	return nil
}

// secure sends the header and does the handshake. The caller closes the
// connection of an error.
func secure(ctx context.Context, nc *net.TCPConn, header []byte, config *tls.Config) (*tls.Conn, error) {
	if len(header) > 0 {
		deadline, _ := ctx.Deadline()
		_ = nc.SetWriteDeadline(deadline)
		if _, err := nc.Write(header); err != nil {
			return nil, err
		}
		_ = nc.SetWriteDeadline(time.Time{})
	}
	secured := tls.Client(nc, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secured, nil
}

// choose returns the backend for the next connection or session of a rule, or
// nil where there is none.
func choose(rule *snapshot.Rule) *snapshot.Backend {
	if rule == nil || rule.Fail != 0 {
		return nil
	}
	b, ok := rule.Backends.Pick()
	if !ok || b.Cluster == nil {
		return nil
	}
	return b
}
