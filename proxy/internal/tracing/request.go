package tracing

import (
	"net/netip"
	"time"
)

// Request is what was recorded of one request: a span of its own and one for each
// attempt at a backend. Whoever is given it by Take may keep it.
type Request struct {
	Policy *Policy
	Context
	// Parent is the span that the request came with; zero for none. State is its
	// tracestate.
	Parent SpanID
	State  string

	Start, End time.Time
	// Text of clients may be longer than what is to be recorded, and no UTF-8.
	Method, Scheme, Host, Path, Query, UserAgent string
	// Version is that of HTTP which the client speaks.
	Version string
	Port    uint16
	Client  netip.AddrPort
	// Status is zero where the client left before an answer began.
	Status int
	// Error is why the request has failed, and empty where it has not.
	Error                       string
	RequestBytes, ResponseBytes uint64
	// Values has the value of each of Policy.Attributes that comes from a header.
	Values   []string
	Attempts []Attempt
}

// Attempt is what was recorded of one attempt at a backend.
type Attempt struct {
	Span       SpanID
	Start, End time.Time
	// Service, Namespace and Port are the backend's, Peer is the endpoint.
	Service, Namespace string
	Port               int32
	Peer               netip.AddrPort
	// URL is what was asked for, without its query.
	URL     string
	Version string
	// Status is zero where there was no answer.
	Status int
	// Error is why the attempt has failed, and empty where it has not.
	Error string
}

// The reasons of failures that no status tells of.
const (
	ErrorConnect   = "connect_failed"
	ErrorReset     = "connection_reset"
	ErrorTimeout   = "timeout"
	ErrorCancelled = "cancelled"
	ErrorAbandoned = "abandoned"
)

// MaxAttempts bounds the attempts at backends that are recorded of one request.
const MaxAttempts = 16

// Sink takes what was recorded. It must not block: it drops what is too much. It
// is safe for concurrent use.
type Sink interface {
	Take(*Request)
}
