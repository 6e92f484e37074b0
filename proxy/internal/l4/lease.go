package l4

import (
	"errors"
	"math/rand/v2"
	"net/netip"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// errCircuitOpen says that a Cluster has as much to do as it may have.
var errCircuitOpen = errors.New("the backend's limits are reached")

// lease is what a session owes to package balance: from its begin to its end it
// is one request in flight, and one connection. It is guarded as its session is.
type lease struct {
	server   *Server
	endpoint *balance.Endpoint
	// began is when the endpoint was chosen, on the Server's clock.
	began int64
	ended bool
}

// lease counts a session in. Where the endpoint's Cluster has as many
// connections as it may, it returns nil, and idle ones of requests give way to
// the next session.
func (s *Server) lease(e *balance.Endpoint) *lease {
	now := s.opts.Now()
	if !e.Connect() {
		e.Cluster.Lack(now)
		return nil
	}
	e.Begin()
	return &lease{server: s, endpoint: e, began: now}
}

// reached tells that the endpoint took the connection, or has answered.
func (l *lease) reached() { l.endpoint.Reached(l.began, l.server.opts.Now()) }

// end counts the session out. Only the first call does anything.
func (l *lease) end(o balance.Outcome) {
	if l.ended {
		return
	}
	l.ended = true
	l.endpoint.EndSession(l.server.opts.Now(), o)
	l.endpoint.Disconnected()
}

// endpoint chooses one for a session of a client, by the policy of the Cluster.
// It returns nil where there is none, or the Cluster has as many sessions as it
// may.
func (s *Server) endpoint(c *balance.Cluster, client netip.Addr, tried []*balance.Endpoint) *balance.Endpoint {
	r := balance.Request{Now: s.opts.Now(), Random: rand.Uint64(), Hash: hashOf(c.Policy(), client), Tried: tried}
	e, _ := c.Choose(&r)
	return e
}

// hashOf is the hash of what a policy wants hashed, or zero: a session has no
// more than its client's address.
func hashOf(p *balance.Policy, client netip.Addr) uint64 {
	if source, _ := p.HashOn(); source != proxyconfig.HashSourceIP || !client.IsValid() {
		return 0
	}
	ip := client.As16()
	return balance.HashKey(ip[:])
}
