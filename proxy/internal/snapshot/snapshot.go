package snapshot

import (
	"net/netip"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
	"github.com/fleetgate/fleetgate/proxy/internal/tracing"
)

// Snapshot is one compiled configuration. It is immutable and safe for
// concurrent use; a request reads one from its first byte to its last.
type Snapshot struct {
	// Hash and Revision are those of the document it was compiled from.
	Hash     string
	Revision int64
	// Ports are sorted by number.
	Ports []*Port
	// UDPPorts are sorted by number.
	UDPPorts []*UDPPort
	// Series are the labels of the probe's series by identifier. The entries of
	// one process never change; new ones are appended.
	Series []Series
	// Listeners are the names of listeners by their numbers, as Series.
	Listeners []string
	// Expiries say until when the certificates are valid that listeners have.
	Expiries []Expiry
	// Spans is where what is recorded of requests goes; nil where nothing is.
	Spans *Spans
	// Settings are those of the process that are sound. It is the same pointer as long
	// as nothing of them changes.
	Settings *proxyconfig.Settings
	// Compiled is how many routes were compiled for it; the others were taken over
	// from the snapshot before.
	Compiled int
	// Config is what it was compiled from. It must not be changed.
	Config *proxyconfig.Config

	// These are carried from one snapshot to the next by Compile.
	certificates Certificates
	secret       []byte
	backends     *backendTable
	frame        *frame
	routes       routeTable
	series       *numbers[Series]
	listeners    *numbers[string]
	// change is nil where no backend has changed.
	change *balance.Change
}

// Commit makes the endpoints of the snapshot those in use, and lets go of those
// that left. It is called once, after the snapshot has begun to serve.
func (s *Snapshot) Commit() {
	if s.change != nil {
		s.change.Commit()
	}
}

// Cluster returns what serves the backend of an ID, or nil when the snapshot has
// no such backend.
func (s *Snapshot) Cluster(id string) *balance.Cluster {
	cluster, _ := s.backends.reach(id)
	return cluster
}

// Amends says whether the snapshot has the listeners of another one, and nothing in it
// is there twice: who knows what the other one had then finds out the rest by what is in
// their configurations beside each other. It may say no where that is so.
func (s *Snapshot) Amends(o *Snapshot) bool {
	return s.frame == o.frame && len(s.backends.refused)+len(o.backends.refused) == 0
}

// Port is one TCP socket's worth of listeners.
type Port struct {
	Number uint16
	Speech Speech
	// TLS is how the HTTPS listeners end TLS; nil for a port without any.
	TLS *TLS
	// Terminating is how the TLS listeners of a Mixed port do that do not pass
	// it through; nil where there are none.
	Terminating *TLS
	// TCPRule serves a port of TCP; nil where no route is attached.
	TCPRule *Rule
	// Tracing is how requests are traced; nil if they are not.
	Tracing     *tracing.Policy
	TCPListener *Listener
	// TrustedSources are those whose connections begin with a PROXY protocol
	// header. There are none where that is not expected of anybody.
	TrustedSources []netip.Prefix

	tlsListeners router.Hosts[*TLSListener]

	// listeners holds the routes of each listener by its hostname.
	listeners router.Hosts[*router.Table[*Rule]]
	// gates are by the hostnames of all listeners, nil for one without filters.
	gates router.Hosts[*Gate]
	gated bool
}

// Match returns the rule that serves the request, or nil for 404. It allocates
// nothing and writes only to m.
//
// Only the routes of the most specific listener for the request's host are
// looked at, even where none of them matches: a listener is isolated from the
// less specific ones beside it (Gateway API, Listener isolation).
func (p *Port) Match(r *router.Request, m *router.Match) *Rule {
	table, ok := p.listeners.Find(r.Host)
	if !ok {
		m.PrefixLen = 0
		return nil
	}
	return table.Find(r, m)
}

// Listener labels what a rule was reached through.
type Listener struct {
	Name string
	Port uint16
	// Number is its number for the metrics; see Snapshot.Listeners.
	Number uint32
	// Handshakes is the series of the TLS handshakes with its clients, zero where
	// there are none and where there was no number left.
	Handshakes uint32
	// Idle is how long a session below HTTP may be silent, MaxSessions how many of
	// them may be open; zero means the default.
	Idle        time.Duration
	MaxSessions int
}

// Expiry is the end of the time for which a listener's certificate is valid.
type Expiry struct {
	Listener string
	At       time.Time
}

// RouteID identifies a route object.
type RouteID struct {
	Kind, Namespace, Name string
}

// Rule is a compiled rule of a route, as reached through one listener.
type Rule struct {
	// Series is the identifier for the probe and the metrics; see
	// Snapshot.Series.
	Series   uint32
	Listener *Listener
	Route    RouteID
	Name     string
	Index    int

	// Fail, when not zero, is the status that every request is answered with:
	// the rule is invalid.
	Fail int
	// Redirect, when not nil, answers the request.
	Redirect *filter.Redirect
	// Rewrite may be nil.
	Rewrite *filter.Rewrite
	// RequestHeaders and ResponseHeaders may be nil.
	RequestHeaders  *filter.HeaderEdits
	ResponseHeaders *filter.HeaderEdits
	// CORS may be nil. A preflight that it is for is answered with it, and no
	// backend sees the request.
	CORS *filter.CORS
	// ExternalAuth may be nil. No request that it does not allow is served.
	ExternalAuth *ExternalAuth
	// Mirrors get copies of the requests that are sent to a backend.
	Mirrors []Mirror
	// Retry may be nil: nothing is retried but what no backend has seen.
	Retry *Retry
	// Backends may be empty: the request is answered 500.
	Backends *balance.Split[*Backend]

	// RequestTimeout bounds the whole exchange, BackendTimeout one attempt.
	// Zero means none.
	RequestTimeout time.Duration
	BackendTimeout time.Duration
}

// Backend is a rule's reference to a Service port. A nil Cluster is an invalid
// reference: its share of the requests is answered 500.
type Backend struct {
	Cluster *balance.Cluster
	// Transport is how the Cluster is spoken to; it is nil where Cluster is.
	Transport *Transport
	// RequestHeaders and ResponseHeaders are those of the reference, applied
	// after the rule's; they may be nil.
	RequestHeaders  *filter.HeaderEdits
	ResponseHeaders *filter.HeaderEdits
	Rewrite         *filter.Rewrite
	// Session is nil where requests belong to none.
	Session *Session
}

// Mirror is a rule's compiled mirror. The Cluster of To is never nil: one to a
// backend that is not part of the configuration is left out, as a copy that goes nowhere
// harms nobody (Gateway API, HTTPRequestMirrorFilter).
type Mirror struct {
	*filter.Mirror
	To *Backend
}

// ExternalAuth is the compiled external authorization of a rule or a listener. The Cluster of To is
// never nil.
type ExternalAuth struct {
	*filter.ExternalAuth
	To *Backend
}

// Series labels one series of the probe.
type Series struct {
	Listener string
	Route    RouteID
	Rule     string
}
