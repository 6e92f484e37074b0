package v1alpha1

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Algorithm is how an endpoint is chosen for a request.
//
// +kubebuilder:validation:Enum=RoundRobin;LeastRequest;PeakEWMA;ConsistentHash
type Algorithm string

// BackendParameters are how requests are shared among the endpoints of each backend,
// and what protects both sides. They hold for all backends of a Gateway.
type BackendParameters struct {
	// algorithm is RoundRobin by default. LeastRequest and PeakEWMA take the better
	// one of two random endpoints, by requests in flight, or by those and the latency
	// seen lately.
	// +optional
	Algorithm *Algorithm `json:"algorithm,omitempty"`
	// hash is what ConsistentHash hashes; the client's address by default.
	// +optional
	Hash *HashParameters `json:"hash,omitempty"`
	// ejection passes over endpoints that fail the requests they get.
	// +optional
	Ejection *EjectionParameters `json:"ejection,omitempty"`
	// healthCheck asks each endpoint how it is. Nothing is asked where it is not set,
	// nor of backends that cannot answer: those of UDP, and for HTTP and GRPC those
	// over TLS, of other routes, and servers for authorization and traces.
	// +optional
	HealthCheck *HealthCheckParameters `json:"healthCheck,omitempty"`
	// slowStart is the time over which a new endpoint comes to its full share of the
	// requests; 0s by default.
	// +optional
	SlowStart *gatewayv1.Duration `json:"slowStart,omitempty"`
	// limits are the most that one proxy asks of one backend at a time. What exceeds
	// them is answered 503.
	// +optional
	Limits *CircuitParameters `json:"limits,omitempty"`
	// zone prefers endpoints in the zone of the proxy, where its pod has the label
	// topology.kubernetes.io/zone, which Kubernetes 1.35 and later copies from the node.
	// +optional
	Zone *ZoneParameters `json:"zone,omitempty"`
}

// HashSource is the part of a request that is hashed.
//
// +kubebuilder:validation:Enum=SourceIP;Header;Cookie
type HashSource string

// HashParameters name what ConsistentHash hashes. A request that lacks it takes its
// turn.
//
// +kubebuilder:validation:XValidation:rule="(self.source == 'SourceIP') != has(self.name)",message="a header or cookie has a name, and SourceIP has none"
type HashParameters struct {
	// source is SourceIP, Header or Cookie.
	Source HashSource `json:"source"`
	// name is that of the header or cookie.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern="^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$"
	Name *string `json:"name,omitempty"`
}

// EjectionParameters are how endpoints that fail are passed over. One that refuses a
// connection is ejected at once.
type EjectionParameters struct {
	// disabled never ejects.
	// +optional
	Disabled *bool `json:"disabled,omitempty"`
	// consecutiveErrors is how many answers of 500 and above, and connections that
	// broke before an answer, in a row eject; 0, the default, counts none of them.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	ConsecutiveErrors *int32 `json:"consecutiveErrors,omitempty"`
	// baseTime is how long the first ejection lasts; 1s by default. Each one in a row
	// lasts twice as long as the one before. An endpoint that could not be connected
	// with is probed meanwhile, and comes back as soon as it takes connections.
	// +optional
	BaseTime *gatewayv1.Duration `json:"baseTime,omitempty"`
	// maxTime is how long an ejection lasts at most; 30s by default.
	// +optional
	MaxTime *gatewayv1.Duration `json:"maxTime,omitempty"`
	// maxPercent of the endpoints, and one at least, may be ejected at a time; 100 by
	// default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxPercent *int32 `json:"maxPercent,omitempty"`
}

// HealthCheckType is what a health check does.
//
// +kubebuilder:validation:Enum=TCP;HTTP;GRPC
type HealthCheckType string

// HealthCheckParameters ask each endpoint at an interval how it is.
//
// +kubebuilder:validation:XValidation:rule="self.type == 'HTTP' || (!has(self.path) && !has(self.host) && !has(self.statuses))",message="path, host and statuses are for HTTP"
// +kubebuilder:validation:XValidation:rule="self.type == 'GRPC' || !has(self.service)",message="service is for GRPC"
type HealthCheckParameters struct {
	// type is TCP, which opens a connection, HTTP, which is for backends of HTTPRoutes
	// that speak HTTP/1.1, or GRPC, which asks those of GRPCRoutes for
	// grpc.health.v1.Health.
	Type HealthCheckType `json:"type"`
	// path is asked for by HTTP; "/" by default.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern="^/[A-Za-z0-9\\-._~!$&'()*+,;=:@%/?]*$"
	Path *string `json:"path,omitempty"`
	// host is the Host of HTTP; the endpoint's address by default.
	// +optional
	Host *gatewayv1.PreciseHostname `json:"host,omitempty"`
	// statuses are the answers that are well; 200 alone by default.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Statuses []StatusRange `json:"statuses,omitempty"`
	// service is the one that GRPC asks for; the server as a whole by default.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Service *string `json:"service,omitempty"`
	// port is the endpoint's own by default. One that is set is asked in plaintext,
	// whatever the endpoint's own speaks.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port *int32 `json:"port,omitempty"`
	// interval is 10s by default.
	// +optional
	Interval *gatewayv1.Duration `json:"interval,omitempty"`
	// timeout is 2s by default.
	// +optional
	Timeout *gatewayv1.Duration `json:"timeout,omitempty"`
	// healthyThreshold is how many successes in a row bring an endpoint back; 2 by
	// default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	HealthyThreshold *int32 `json:"healthyThreshold,omitempty"`
	// unhealthyThreshold is how many failures in a row take an endpoint out; 3 by
	// default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	UnhealthyThreshold *int32 `json:"unhealthyThreshold,omitempty"`
}

// StatusRange holds the statuses from first to last, both included.
//
// +kubebuilder:validation:XValidation:rule="self.first <= self.last",message="first is more than last"
type StatusRange struct {
	// first is the least status.
	// +kubebuilder:validation:Minimum=200
	// +kubebuilder:validation:Maximum=599
	First int32 `json:"first"`
	// last is the greatest status.
	// +kubebuilder:validation:Minimum=200
	// +kubebuilder:validation:Maximum=599
	Last int32 `json:"last"`
}

// CircuitParameters are the most that one proxy asks of one backend at a time.
type CircuitParameters struct {
	// maxConnections is 16384 by default, those being opened included.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxConnections *int32 `json:"maxConnections,omitempty"`
	// maxRequests, 65536 by default, are in flight.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxRequests *int32 `json:"maxRequests,omitempty"`
	// maxPending, 4096 by default, wait for a connection.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxPending *int32 `json:"maxPending,omitempty"`
}

// ZoneParameters keep requests in the zone of the proxy as long as the endpoints
// there are well.
type ZoneParameters struct {
	// prefer says whether they do; false by default.
	// +optional
	Prefer *bool `json:"prefer,omitempty"`
	// minHealthyPercent is the share of the zone's endpoints below which all zones
	// share the requests; 50 by default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinHealthyPercent *int32 `json:"minHealthyPercent,omitempty"`
}
