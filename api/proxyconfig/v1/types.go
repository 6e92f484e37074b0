package proxyconfig

// Config is all that the proxies of one Gateway serve. Its slices are sorted
// (listeners by port and name, routes by identity, backends by ID), so that
// equal configurations have equal bytes. Those of one that lies in parts are sorted
// within each part; who wants all of them asks for the pieces.
type Config struct {
	Listeners []Listener `json:"listeners,omitempty"`
	Routes    []Route    `json:"routes,omitempty"`
	Backends  []Backend  `json:"backends,omitempty"`
	// Tracing is nil where nothing is traced; the fields by which requests belong
	// to traces are then passed on like any other.
	Tracing *Tracing `json:"tracing,omitempty"`
	// Settings are nil where all is left to the proxy.
	Settings *Settings `json:"settings,omitempty"`
	// Parts, when not empty, are where the rest of the configuration lies: see
	// FeatureParts.
	Parts []Part `json:"parts,omitempty"`
	// Superseded are what of the parts does not count: see FeatureSuperseded.
	Superseded []Superseded `json:"superseded,omitempty"`

	// joined are the parts that Assemble has added.
	joined []joined
	// fingerprints are those of its own items: see DecodeAfter and DecodePartAfter.
	fingerprints fingerprints
}

// Protocol is what a listener speaks with its clients.
type Protocol string

// The protocols of listeners.
const (
	HTTP  Protocol = "HTTP"
	HTTPS Protocol = "HTTPS"
)

// Listener is one listener of the Gateway. Listeners that share a port share
// its socket and are told apart by hostname.
type Listener struct {
	// Name is unique within the Gateway.
	Name     string   `json:"name"`
	Port     int32    `json:"port"`
	Protocol Protocol `json:"protocol"`
	// Hostname is an exact name, a wildcard such as "*.example.com", or empty
	// for any host. It is lower case.
	Hostname string `json:"hostname,omitempty"`
	// Certificates are set where TLS is terminated, and nowhere else. The first
	// is served to a client whose server name matches none of them.
	Certificates []CertificateRef `json:"certificates,omitempty"`
	// TLS are the options of a listener that terminates TLS; nil means the
	// defaults.
	TLS *ListenerTLS `json:"tls,omitempty"`
	// TLSMode is set for protocol TLS alone.
	TLSMode TLSMode `json:"tlsMode,omitempty"`
	// ProxyProtocol is nil where a header of that protocol is not expected.
	// Listeners that share a port agree in it.
	ProxyProtocol *AcceptedProxyProtocol `json:"proxyProtocol,omitempty"`
	// Sessions are set for protocols TLS, TCP and UDP alone; nil has the defaults.
	Sessions *SessionLimits `json:"sessions,omitempty"`
	// Filters may be set for protocols HTTP and HTTPS alone; nil has requests
	// routed as they come.
	Filters *ListenerFilters `json:"filters,omitempty"`
}

// CertificateRef says where in the fleet's Secrets a certificate lies. Key
// material itself is never part of a Config.
type CertificateRef struct {
	// Secret is the index of the numbered certificate Secret.
	Secret int `json:"secret"`
	// Key is the prefix of the two keys in it: Key+".crt" and Key+".key".
	Key string `json:"key"`
	// SHA256 is the hex hash of the PEM certificate chain, so that a proxy can
	// tell whether the Secret it sees is the one that was rendered.
	SHA256 string `json:"sha256"`
}

// Route is one route object with the listeners it is attached to.
type Route struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// CreatedAt is the object's creation time in Unix seconds; the older of two
	// routes with equal matches wins, then the one whose "namespace/name" comes
	// first (Gateway API, HTTPRouteRule).
	CreatedAt   int64        `json:"createdAt"`
	Attachments []Attachment `json:"attachments"`
	Rules       []Rule       `json:"rules"`
}

// Attachment binds a route to one listener.
type Attachment struct {
	Listener string `json:"listener"`
	// Hostnames is the intersection of the route's hostnames with the
	// listener's, lower case; one empty string means any host.
	Hostnames []string `json:"hostnames"`
	// Written, when not empty, has for each of Hostnames the hostname of the route
	// that it is what is left of. Requests for a hostname are first those of the
	// routes with the most specific one written, and what no rule of these matches
	// is for the next (HTTPRouteSpec.hostnames). Without it, a hostname counts as
	// written.
	Written []string `json:"written,omitempty"`
}

// WrittenOf returns what counts as written of Hostnames[i].
func (a *Attachment) WrittenOf(i int) string {
	if len(a.Written) == 0 {
		return a.Hostnames[i]
	}
	return a.Written[i]
}

// Rule is one rule of a route: any of Matches leads to it. An empty Matches
// stands for a path prefix of "/".
type Rule struct {
	Name    string   `json:"name,omitempty"`
	Matches []Match  `json:"matches,omitempty"`
	Filters []Filter `json:"filters,omitempty"`
	// Backends share the rule's requests in proportion to their weights. A rule
	// with none, or with none of positive weight, and without a redirect
	// answers 500.
	Backends []BackendRef `json:"backends,omitempty"`
	Timeouts *Timeouts    `json:"timeouts,omitempty"`
	// Retry may be nil: nothing is retried but what the proxy retries by itself,
	// which is what no backend has seen.
	Retry *Retry `json:"retry,omitempty"`
	// Invalid says why the operator could not translate the rule. The rule
	// still matches, and answers 500.
	Invalid string `json:"invalid,omitempty"`
}

// PathMatchType says how a path is compared.
type PathMatchType string

// The types of path matches.
const (
	PathExact  PathMatchType = "Exact"
	PathPrefix PathMatchType = "PathPrefix"
	PathRegex  PathMatchType = "RegularExpression"
)

// ValueMatchType says how a header's or query parameter's value is compared.
type ValueMatchType string

// The types of value matches.
const (
	ValueExact ValueMatchType = "Exact"
	ValueRegex ValueMatchType = "RegularExpression"
)

// Match holds conditions that all must be met.
type Match struct {
	// Path is never nil in a rendered configuration; nil means prefix "/".
	Path    *PathMatch   `json:"path,omitempty"`
	Method  string       `json:"method,omitempty"`
	Headers []ValueMatch `json:"headers,omitempty"`
	Query   []ValueMatch `json:"query,omitempty"`
}

// PathMatch compares the path, without the query. A prefix is compared element
// by element and its trailing slash is ignored: "/a" and "/a/" match "/a",
// "/a/" and "/a/b", and not "/ab". A regular expression matches the whole path.
type PathMatch struct {
	Type  PathMatchType `json:"type"`
	Value string        `json:"value"`
}

// ValueMatch compares the value of the named header (any case) or query
// parameter (exact case). Regular expressions are RE2 and match the whole
// value: see CompileRegexp.
type ValueMatch struct {
	Type  ValueMatchType `json:"type"`
	Name  string         `json:"name"`
	Value string         `json:"value"`
}

// FilterType names a filter. A proxy answers 500 for a rule with a filter of a
// type that it does not know: a rule is never served without its filter.
type FilterType string

// The types of filters.
const (
	FilterRequestHeaders  FilterType = "RequestHeaders"
	FilterResponseHeaders FilterType = "ResponseHeaders"
	FilterRedirect        FilterType = "Redirect"
	FilterRewrite         FilterType = "Rewrite"
)

// Filter is a union; the field that belongs to Type is set.
type Filter struct {
	Type     FilterType   `json:"type"`
	Headers  *HeaderEdits `json:"headers,omitempty"`
	Redirect *Redirect    `json:"redirect,omitempty"`
	Rewrite  *Rewrite     `json:"rewrite,omitempty"`
	CORS     *CORS        `json:"cors,omitempty"`
	Mirror   *Mirror      `json:"mirror,omitempty"`
	// ExternalAuth is unknown to proxies of earlier versions, which answer 500 for
	// the rule.
	ExternalAuth *ExternalAuth `json:"externalAuth,omitempty"`
}

// HeaderEdits are applied in the order set, add, remove. Names match in any
// case.
type HeaderEdits struct {
	Set    []Header `json:"set,omitempty"`
	Add    []Header `json:"add,omitempty"`
	Remove []string `json:"remove,omitempty"`
}

// Header is one header field.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Redirect answers with a Location made from the request and these
// replacements. Empty fields keep what the request has.
type Redirect struct {
	Scheme   string `json:"scheme,omitempty"`
	Hostname string `json:"hostname,omitempty"`
	// Port zero follows the Gateway API: the scheme's well-known port when a
	// scheme is given, else the listener's.
	Port   int32        `json:"port,omitempty"`
	Path   *PathRewrite `json:"path,omitempty"`
	Status int          `json:"status"`
}

// Rewrite changes the request line and Host that the backend sees.
type Rewrite struct {
	Hostname string       `json:"hostname,omitempty"`
	Path     *PathRewrite `json:"path,omitempty"`
}

// PathRewrite replaces the whole path, or the prefix that was matched.
type PathRewrite struct {
	// Type is ReplaceFullPath or ReplacePrefixMatch.
	Type  string `json:"type"`
	Value string `json:"value"`
}

// The types of path rewrites.
const (
	ReplaceFullPath    = "ReplaceFullPath"
	ReplacePrefixMatch = "ReplacePrefixMatch"
)

// BackendRef is a rule's share of one backend.
type BackendRef struct {
	// Backend is the ID of one of Config.Backends. It is empty when the
	// reference is invalid: its share of the requests is answered 500.
	Backend string `json:"backend,omitempty"`
	// Weight is in [0, 1000000]; zero takes no requests.
	Weight  int32    `json:"weight"`
	Filters []Filter `json:"filters,omitempty"`
	// Session may be nil: each request goes to an endpoint of its own.
	Session *Session `json:"session,omitempty"`
}

// Timeouts of a rule. Zero means that the rule says nothing, and negative that it
// wants none: neither bounds anything. Where neither field does, the proxy's own
// limits on silence and on the pace of bodies hold, as for a rule without Timeouts.
type Timeouts struct {
	RequestMillis        int64 `json:"requestMillis,omitempty"`
	BackendRequestMillis int64 `json:"backendRequestMillis,omitempty"`
}

// Backend is one port of a Service, or an object of another kind, with the
// endpoints behind it.
type Backend struct {
	// ID is "<namespace>/<service>:<port>", with "/grpc", "/tcp" or "/udp" behind
	// it for a backend of routes that speak otherwise: the same port may be one of
	// HTTP's, too. A Kind stands before it, with a slash.
	ID string `json:"id"`
	// Kind is empty for a Service, and BackendKindXBackend for an XBackend.
	Kind      string `json:"kind,omitempty"`
	Namespace string `json:"namespace"`
	// Service is the object's name, whatever its kind.
	Service string `json:"service"`
	Port    int32  `json:"port"`
	// Protocol is one of the protocols of backends below.
	Protocol string `json:"protocol"`
	// TLS, when not nil, is beneath the protocol. A listener that passes TLS
	// through does without: its clients' sessions are those of the backend.
	TLS *BackendTLS `json:"tls,omitempty"`
	// ProxyProtocol, where it is set, is the version of the header that each
	// connection to the backend begins with, before TLS: it names the client, as
	// far as it is known, and what that one connected to. Connections of requests
	// then serve one connection of one client. Health checks of the endpoint's own
	// port speak for the proxy itself, as LOCAL or UNKNOWN.
	ProxyProtocol ProxyVersion `json:"proxyProtocol,omitempty"`
	Endpoints     []Endpoint   `json:"endpoints,omitempty"`
	// External is set for a backend that has a name in place of Endpoints.
	External *External `json:"external,omitempty"`
	// Policy may be nil, which has the defaults.
	Policy *Policy `json:"policy,omitempty"`
}

// The protocols of backends. Over TLS, ALPN has to agree on those of HTTP;
// without, HTTP/2 is spoken with prior knowledge (RFC 9113, section 3.3). Routes
// of the kinds TLSRoute and TCPRoute forward bytes to any backend but one of
// UDP.
const (
	BackendHTTP1 = "http"
	BackendHTTP2 = "h2"
	BackendTCP   = "tcp"
	BackendUDP   = "udp"
)

// Endpoint is one address that serves a backend.
type Endpoint struct {
	// Address is an IP address in its canonical text form.
	Address string `json:"address"`
	Port    int32  `json:"port"`
	Zone    string `json:"zone,omitempty"`
	// Terminating endpoints are used only when no other is left (KEP-1669).
	Terminating bool `json:"terminating,omitempty"`
}
