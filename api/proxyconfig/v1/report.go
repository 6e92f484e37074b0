package proxyconfig

// Report is what a proxy says of itself on its admin port, at
// GET /v1/report?after=<Sequence>&wait=<seconds>. With after, the answer is
// held back until Sequence differs from it or wait has passed.
type Report struct {
	// Sequence changes whenever any other field does.
	Sequence uint64 `json:"sequence"`
	// GatewayUID is the Gateway that this proxy belongs to.
	GatewayUID string `json:"gatewayUID"`
	// Hash and Revision are of the configuration that is being served; Hash is
	// empty as long as there is none.
	Hash     string `json:"hash,omitempty"`
	Revision int64  `json:"revision,omitempty"`
	// Rejected is the newest configuration that was refused, unless a newer one
	// has been applied since.
	Rejected *Rejection `json:"rejected,omitempty"`
	// Refused are the items of the served configuration that could not be
	// compiled or started, each of which fails alone.
	Refused []RefusedItem `json:"refused,omitempty"`
	// Hostnames are those of external backends that do not lead where they are said
	// to, each with its port, sorted. One is told once that has lasted for seconds. A
	// proxy of an earlier version tells of none.
	Hostnames []HostnameProblem `json:"hostnames,omitempty"`
}

// Rejection is a whole configuration that was refused.
type Rejection struct {
	// Source is "watch", "mount" or "saved".
	Source   string `json:"source"`
	Revision int64  `json:"revision,omitempty"`
	Reason   string `json:"reason"`
}

// RefusedItem is one part of a configuration that was refused.
type RefusedItem struct {
	// Kind is one of the kinds below.
	Kind string `json:"kind"`
	// Name is a listener's name (also for a certificate), "namespace/name" of a
	// route, the ID of a backend, the service name of tracing, or the path of a field
	// within Settings.
	Name string `json:"name"`
	// RouteKind is the kind of the route, where Kind is "Route" or "Rule": routes
	// of different kinds may have the same name. A proxy may leave it out.
	RouteKind string `json:"routeKind,omitempty"`
	// Rule is the index of the rule, where Kind is "Rule".
	Rule   int    `json:"rule,omitempty"`
	Reason string `json:"reason"`
}

// The kinds of refused items.
const (
	KindListener    = "Listener"
	KindCertificate = "Certificate"
	KindRoute       = "Route"
	KindRule        = "Rule"
	KindBackend     = "Backend"
	KindTracing     = "Tracing"
	KindSetting     = "Setting"
)

// HostnameProblem tells why a hostname does not lead to a backend.
type HostnameProblem struct {
	Hostname string `json:"hostname"`
	Port     int32  `json:"port"`
	// Reason is one of those below.
	Reason string `json:"reason"`
	// Stale says that the addresses of an earlier answer are used meanwhile. Without
	// it requests are answered with 503.
	Stale bool `json:"stale,omitempty"`
}

// The reasons for which a hostname leads to no backend.
const (
	// HostnameNotFound is that of a name without addresses.
	HostnameNotFound = "NotFound"
	// HostnameNoAnswer is that of a name of which no server of the DNS tells.
	HostnameNoAnswer = "NoAnswer"
	// HostnameForbidden is that of a name whose addresses no backend may have.
	HostnameForbidden = "Forbidden"
)
