package exchange

import (
	"net/netip"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/proxyproto"
)

// home is where connections to backends are found that may carry a request. The
// Loop has one for all clients.
//
// A connection that began with a PROXY protocol header speaks for one client,
// and whatever comes over it is taken to be that client's. Such connections
// have a home of their own, which belongs to the client's connection and ends
// with it: what nobody else can reach cannot be shared by mistake, whatever a
// key of the common home would have to hold, and connections of clients that
// are gone do not fill the limits of a backend. Where trusted hops send requests
// of several clients over one connection, the home is for one of them at a time:
// another client gets a new one, and what is in progress in the old one ends
// there.
type home struct {
	pool        pool
	multiplexed multiplexed
	// source is whom the connections speak for, destination what that one has
	// connected to; both are zero for the Loop's.
	source, destination netip.AddrPort
	// closed: what comes back is not kept.
	closed bool
}

// homeOf returns where connections for an exchange are kept.
func (l *Loop) homeOf(x *exchange) *home {
	if x.backend.Transport.SentProxy == "" {
		return &l.home
	}
	return x.from.homeFor(x.origin)
}

// homeFor returns the home of connections that speak for a client.
func (o *origin) homeFor(source netip.AddrPort) *home {
	h := o.own
	if h != nil && h.source == source {
		return h
	}
	o.own = &home{source: source}
	if h == nil {
		o.own.destination = o.io.Local()
	} else {
		// The client's connection may be gone, but for copies of its requests.
		o.own.destination, o.own.closed = h.destination, h.closed
		h.close()
	}
	return o.own
}

// header is what a connection begins with that is to a backend which wants to
// be told of the client by a version of the PROXY protocol, or none.
func (h *home) header(version proxyconfig.ProxyVersion) []byte {
	switch version {
	case proxyconfig.ProxyV1:
		return proxyproto.AppendV1(nil, h.source, h.destination)
	case proxyconfig.ProxyV2:
		return proxyproto.AppendV2(nil, h.source, h.destination)
	}
	return nil
}

// ownIdle is how long a connection waits that can serve one client alone, while
// it counts against what all of them may have.
const ownIdle = 5 * time.Second

// idle returns how long connections without a request are kept.
func (h *home) idle(l *Loop) time.Duration {
	if h == &l.home {
		return l.limits.PoolIdle
	}
	return min(l.limits.PoolIdle, ownIdle)
}

// keep takes back a connection whose last response was read to its end.
func (h *home) keep(b *http1Backend) {
	if h.closed || b.to.endpoint.Gone() || !b.io.Silent(Glance) {
		b.cancel()
		return
	}
	h.pool.put(b)
}

// close ends the connections as soon as nothing is in progress on them. There
// may be no home.
func (h *home) close() {
	if h == nil || h.closed {
		return
	}
	h.closed = true
	h.pool.close()
	h.multiplexed.close()
}

// sweep forgets endpoints that have left. There may be no home.
func (h *home) sweep() {
	if h != nil {
		h.pool.sweep()
		h.multiplexed.sweep()
	}
}
