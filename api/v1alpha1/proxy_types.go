package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// LogLevel is the least level that is logged.
//
// +kubebuilder:validation:Enum=debug;info;error
type LogLevel string

// AccessLogFormat is how an access log is written.
//
// +kubebuilder:validation:Enum=Disabled;JSON;Text
type AccessLogFormat string

// The formats of access logs.
const (
	AccessLogDisabled AccessLogFormat = "Disabled"
	AccessLogJSON     AccessLogFormat = "JSON"
	AccessLogText     AccessLogFormat = "Text"
)

// ProxyParameters are the settings of each proxy. A change of image, resources, loops
// or drainTimeout replaces the pods; everything else takes effect without that.
type ProxyParameters struct {
	// image is that of the proxies; by default the one that belongs to the operator.
	// It may be set by a class alone.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image *string `json:"image,omitempty"`
	// imagePullPolicy is the cluster's default where it is not set.
	// +optional
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	ImagePullPolicy *corev1.PullPolicy `json:"imagePullPolicy,omitempty"`
	// resources are those of the proxy's container; small requests and no limits by
	// default.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// loops is the number of the engine's loops; as many as the quota has CPUs by
	// default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=256
	Loops *int32 `json:"loops,omitempty"`
	// drainTimeout is the longest time from SIGTERM to the end of a proxy; 25s by
	// default, and at most 40s.
	// +optional
	DrainTimeout *gatewayv1.Duration `json:"drainTimeout,omitempty"`
	// trustedHops is the number of proxies before this one whose X-Forwarded fields
	// are believed; 0 by default.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=16
	TrustedHops *int32 `json:"trustedHops,omitempty"`
	// logLevel is the least level of the proxies' own log; info by default.
	// +optional
	LogLevel *LogLevel `json:"logLevel,omitempty"`
	// accessLog is the log of requests.
	// +optional
	AccessLog *AccessLogParameters `json:"accessLog,omitempty"`
	// limits bound what clients can make a proxy hold. A lower one ends no connection
	// that is there: it is for those who come.
	// +optional
	Limits *LimitParameters `json:"limits,omitempty"`
	// timeouts bound how long each phase may take, to about a second. A change holds
	// for phases in progress as well.
	// +optional
	Timeouts *TimeoutParameters `json:"timeouts,omitempty"`
}

// AccessLogParameters are the settings of the log of requests, which goes to the
// proxy container's standard output.
type AccessLogParameters struct {
	// format is Disabled, JSON or Text; Disabled by default.
	// +optional
	Format *AccessLogFormat `json:"format,omitempty"`
	// samplePercent is the share of the requests that are logged; 100 by default.
	// Requests that fail with a status of 500 and above are logged always.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	SamplePercent *int32 `json:"samplePercent,omitempty"`
	// slowThreshold is how long a request takes at least whose line says what the
	// kernel knows of its connections, by which one can tell network, backend and
	// gateway apart; 1s by default, at most 1h, and 0s says it of none.
	// +optional
	SlowThreshold *gatewayv1.Duration `json:"slowThreshold,omitempty"`
	// fields are those of each line, beside its time; by default all but query, which
	// is what follows the path of a target, and may hold passwords and tokens.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	Fields []AccessLogField `json:"fields,omitempty"`
}

// AccessLogField is the name of a field in an access log.
//
// +kubebuilder:validation:Enum=client;method;host;target;query;protocol;status;durationMicros;upstreamMicros;requestBytes;responseBytes;port;listener;routeNamespace;route;rule;backend;endpoint;attempts;flags;clientAcceptMicros;clientRTTMicros;clientRetransmits;backendConnectMicros;backendRTTMicros;backendRetransmits;userAgent;requestID;traceID
type AccessLogField string

// LimitParameters bound what clients can make one proxy hold.
type LimitParameters struct {
	// maxConnections bounds the connections of clients on all ports; 50000 by
	// default, or what the limit of open files leaves.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxConnections *int32 `json:"maxConnections,omitempty"`
	// maxConnectionsPerPort bounds those on each port; 10000 by default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxConnectionsPerPort *int32 `json:"maxConnectionsPerPort,omitempty"`
}

// TimeoutParameters bound how long each phase of an exchange may take. The timeouts
// of a route's rule come before those of backends here.
type TimeoutParameters struct {
	// requestHead bounds the time from the first byte of a request's head to its
	// last; 10s by default.
	// +optional
	RequestHead *gatewayv1.Duration `json:"requestHead,omitempty"`
	// requestBodyIdle is how long a client may pause within a body; 60s by default.
	// +optional
	RequestBodyIdle *gatewayv1.Duration `json:"requestBodyIdle,omitempty"`
	// responseIdle is how long a client may take no byte of an answer; 60s by
	// default.
	// +optional
	ResponseIdle *gatewayv1.Duration `json:"responseIdle,omitempty"`
	// keepAlive is how long a client's connection is kept between requests; 60s by
	// default.
	// +optional
	KeepAlive *gatewayv1.Duration `json:"keepAlive,omitempty"`
	// tunnelIdle is how long an upgraded connection may be silent; 1h by default.
	// +optional
	TunnelIdle *gatewayv1.Duration `json:"tunnelIdle,omitempty"`
	// backendConnect bounds the connecting to one endpoint; 2s by default.
	// +optional
	BackendConnect *gatewayv1.Duration `json:"backendConnect,omitempty"`
	// backendIdle is how long nothing may come of a backend that has the whole
	// request; 5m by default.
	// +optional
	BackendIdle *gatewayv1.Duration `json:"backendIdle,omitempty"`
	// backendKeepAlive is how long an idle connection to a backend is kept; 90s by
	// default.
	// +optional
	BackendKeepAlive *gatewayv1.Duration `json:"backendKeepAlive,omitempty"`
}

// SensorMode says whether there is a sensor, and what it may do.
//
// +kubebuilder:validation:Enum=Auto;Full;Unprivileged;Disabled
type SensorMode string

// The modes of the sensor.
const (
	// SensorAuto is Full where the namespace's Pod Security level allows it, and
	// Unprivileged elsewhere.
	SensorAuto SensorMode = "Auto"
	// SensorFull loads eBPF programs; it has the capabilities BPF, PERFMON and
	// NET_ADMIN.
	SensorFull SensorMode = "Full"
	// SensorUnprivileged has no capability.
	SensorUnprivileged SensorMode = "Unprivileged"
	// SensorDisabled leaves the sensor out of the pod.
	SensorDisabled SensorMode = "Disabled"
)

// SensorParameters are the settings of the sensor beside each proxy.
type SensorParameters struct {
	// mode is Auto by default. A Gateway may set Unprivileged and Disabled; Auto and Full
	// are for a class.
	// +optional
	Mode *SensorMode `json:"mode,omitempty"`
	// image is that of the sensors; by default the one that belongs to the operator.
	// It may be set by a class alone.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image *string `json:"image,omitempty"`
	// resources are those of the sensor's container; small requests and no limits by
	// default.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// hostCgroup is the path of the unified cgroup hierarchy on nodes whose
	// containers do not see it. It is mounted read-only into sensors that load eBPF
	// programs. It may be set by a class alone.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^/[^:]*$`
	HostCgroup *string `json:"hostCgroup,omitempty"`
}
