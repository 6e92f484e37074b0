package balance

import (
	"net/netip"
	"sync/atomic"
)

// Cluster is one port of a Service with its endpoints. One Cluster serves all
// routes that name it, and lives on across snapshots, so that what was learned
// of an endpoint is known to every route and outlives a change of
// configuration. It is safe for concurrent use.
type Cluster struct {
	// ID is "<namespace>/<service>:<port>".
	ID                 string
	Namespace, Service string
	Port               int32
	// Probe is the backend's identifier for the sensor.
	Probe uint32

	set  atomic.Pointer[endpointSet]
	next atomic.Uint64
}

// Endpoint is one address of a Cluster. Its pointer is its identity: it stays
// the same as long as the address belongs to the Service.
type Endpoint struct {
	Addr    netip.AddrPort
	Cluster *Cluster

	// gone is set when the address left the Service.
	gone atomic.Bool
	// ejectedUntil is the time in nanoseconds (of the caller's clock) until
	// which the endpoint is passed over; zero when it is healthy.
	ejectedUntil atomic.Int64
	failures     atomic.Uint32
}

// endpointSet is the immutable list that Pick reads.
type endpointSet struct {
	// active are used first, terminating ones only when active is empty.
	active, terminating []*Endpoint
}
