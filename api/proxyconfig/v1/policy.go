package proxyconfig

// Policy says how the requests for one backend are shared among its endpoints,
// and what protects both sides. It belongs to the backend and not to a route:
// all routes together see one state of each endpoint. Throughout, zero means
// the proxy's default and, where a bound can be lifted, negative means none.
type Policy struct {
	// Algorithm is empty for RoundRobin.
	Algorithm Algorithm `json:"algorithm,omitempty"`
	// Hash is set for ConsistentHash alone.
	Hash *HashKey `json:"hash,omitempty"`
	// Ejection is passive: it learns from the requests. Nil has the defaults.
	Ejection *Ejection `json:"ejection,omitempty"`
	// Check is active; nil checks nothing.
	Check *HealthCheck `json:"check,omitempty"`
	// SlowStartMillis is the time over which an endpoint that is new, or was
	// readmitted, comes to its full share. Zero gives it at once.
	SlowStartMillis int64 `json:"slowStartMillis,omitempty"`
	// Limits are those of one proxy. Nil has the defaults.
	Limits *CircuitLimits `json:"limits,omitempty"`
	// RetryBudget bounds the retries of all routes together. Nil has the
	// defaults.
	RetryBudget *RetryBudget `json:"retryBudget,omitempty"`
	// Zone, when set, prefers endpoints in the proxy's own zone.
	Zone *ZonePreference `json:"zone,omitempty"`
}

// Algorithm is how an endpoint is chosen.
type Algorithm string

// The algorithms. LeastRequest and PeakEWMA take the better one of two random
// endpoints: the one with fewer requests in flight, or the one whose requests in
// flight, times its recent latency, are the shorter wait. Below HTTP the latency
// is the time to connect, TLS included, or to the first datagram of an answer.
const (
	RoundRobin     Algorithm = "RoundRobin"
	LeastRequest   Algorithm = "LeastRequest"
	PeakEWMA       Algorithm = "PeakEWMA"
	ConsistentHash Algorithm = "ConsistentHash"
)

// HashSource is the part of a request that is hashed.
type HashSource string

// The sources of a hash.
const (
	HashSourceIP HashSource = "SourceIP"
	HashHeader   HashSource = "Header"
	HashCookie   HashSource = "Cookie"
)

// HashKey names what is hashed. A request that lacks it takes its turn, as do all
// connections and sessions below HTTP unless the source is HashSourceIP.
type HashKey struct {
	Source HashSource `json:"source"`
	// Name is that of the header or cookie.
	Name string `json:"name,omitempty"`
}

// Ejection passes over an endpoint that fails. A connection that cannot be
// opened ejects at once, as does one of HTTP/2 that answers no PING; the ejection doubles each time it is repeated,
// and is over before its time where a probe finds that the endpoint takes connections again.
type Ejection struct {
	// Disabled never ejects.
	Disabled bool `json:"disabled,omitempty"`
	// ConsecutiveErrors is how many answers of 500 and above, and connections
	// that broke before an answer, in a row eject. Zero counts none of them.
	ConsecutiveErrors int32 `json:"consecutiveErrors,omitempty"`
	// BaseMillis is the first ejection's time, 1 s by default, and MaxMillis the
	// longest one's, 30 s by default.
	BaseMillis int64 `json:"baseMillis,omitempty"`
	MaxMillis  int64 `json:"maxMillis,omitempty"`
	// MaxPercent is the share of the endpoints that may be ejected at one time,
	// one at least; 100 by default.
	MaxPercent int32 `json:"maxPercent,omitempty"`
}

// CheckType is what an active health check does.
type CheckType string

// The types of health checks. A TCP check opens a connection; a GRPC check asks
// grpc.health.v1.Health over HTTP/2 without TLS.
const (
	CheckTCP  CheckType = "TCP"
	CheckHTTP CheckType = "HTTP"
	CheckGRPC CheckType = "GRPC"
)

// HealthCheck asks each endpoint at an interval how it is.
type HealthCheck struct {
	Type CheckType `json:"type"`
	// Path, Host and Statuses are for HTTP. The Path is "/" by default, the Host
	// the endpoint's address, and Statuses, ranges such as {200, 299}, 200 alone.
	Path     string        `json:"path,omitempty"`
	Host     string        `json:"host,omitempty"`
	Statuses []StatusRange `json:"statuses,omitempty"`
	// Service is for GRPC; empty asks for the server as a whole.
	Service string `json:"service,omitempty"`
	// Port is the endpoint's own by default. One that is set gets no PROXY protocol
	// header, whatever the backend expects.
	Port int32 `json:"port,omitempty"`
	// IntervalMillis is 10 s and TimeoutMillis 2 s by default.
	IntervalMillis int64 `json:"intervalMillis,omitempty"`
	TimeoutMillis  int64 `json:"timeoutMillis,omitempty"`
	// Unhealthy failures in a row take an endpoint out, 3 by default, and Healthy
	// successes bring it back, 2 by default. An endpoint begins healthy.
	Healthy   int32 `json:"healthy,omitempty"`
	Unhealthy int32 `json:"unhealthy,omitempty"`
}

// StatusRange holds the statuses from First to Last, both included.
type StatusRange struct {
	First int `json:"first"`
	Last  int `json:"last"`
}

// CircuitLimits bound what one proxy asks of a backend at one time. What exceeds
// them is answered 503 at once. Below HTTP a connection or UDP session counts as
// one connection and as one request; one too many is reset, or has its datagrams
// dropped.
type CircuitLimits struct {
	// MaxConnections is 16384 by default, those being opened included.
	MaxConnections int32 `json:"maxConnections,omitempty"`
	// MaxRequests, 65536 by default, are in flight.
	MaxRequests int32 `json:"maxRequests,omitempty"`
	// MaxPending, 4096 by default, wait for a connection.
	MaxPending int32 `json:"maxPending,omitempty"`
}

// RetryBudget bounds retries to a share of the requests, so that they never
// multiply the load of a backend that fails for being overloaded. Those count that
// a rule asks for, and those that a proxy makes by itself, when a connection is
// refused or ends without an answer. Two are free, once for each request: another
// endpoint in place of one that cannot be reached, and another connection in place
// of one that the backend has closed after it had served others.
type RetryBudget struct {
	// Percent of the requests may be retries; 20 by default, and negative for none.
	Percent int32 `json:"percent,omitempty"`
	// IntervalMillis is the time whose requests count, those in flight included;
	// zero counts those in flight alone.
	IntervalMillis int64 `json:"intervalMillis,omitempty"`
	// MinPerSecond are allowed beside that, 10 by default: a backend with few
	// requests may retry as well.
	MinPerSecond int32 `json:"minPerSecond,omitempty"`
	// MinRetries in each MinIntervalMillis take the place of MinPerSecond, where
	// they are set.
	MinRetries        int32 `json:"minRetries,omitempty"`
	MinIntervalMillis int64 `json:"minIntervalMillis,omitempty"`
	// Refuse answers 503 to a request whose retry the budget does not allow
	// (Gateway API, RetryConstraint), in place of what it failed with.
	Refuse bool `json:"refuse,omitempty"`
}

// ZonePreference keeps requests in the proxy's zone as long as the endpoints
// there are well.
type ZonePreference struct {
	// MinHealthyPercent is the share of the zone's endpoints below which all
	// zones share the requests; 50 by default.
	MinHealthyPercent int32 `json:"minHealthyPercent,omitempty"`
}

// Retry is the retry policy of a rule (Gateway API, HTTPRouteRetry). An attempt
// is bounded by Timeouts.BackendRequestMillis and all of them by RequestMillis.
type Retry struct {
	// Attempts are those after the first one. Zero retries nothing.
	Attempts int32 `json:"attempts"`
	// Codes are the statuses, from 400 to 599, that are worth another attempt.
	Codes []int `json:"codes,omitempty"`
	// ConnectFailure retries where no connection could be opened. Reset retries
	// where it broke before the response, or that took longer than
	// Timeouts.BackendRequestMillis: a request of a method that is not idempotent
	// (RFC 9110, section 9.2.2) only if nothing of it had been sent.
	ConnectFailure bool `json:"connectFailure,omitempty"`
	Reset          bool `json:"reset,omitempty"`
	// BackoffMillis is the base of the wait before an attempt; 25 ms by default.
	BackoffMillis int64 `json:"backoffMillis,omitempty"`
}
