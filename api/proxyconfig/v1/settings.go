package proxyconfig

import (
	"fmt"
	"slices"
	"strings"
)

// Settings are those of each proxy as a whole. What is not set is left to the
// proxy: to its flags, and to the defaults below where these are silent. All of it
// takes effect without a restart and without ending a connection that keeps to it.
//
// None of it needs a feature. A proxy of an earlier version, which overlooks it,
// believes no forwarded field, writes no access log, and has the default bounds and
// timeouts: it is stricter than was asked for or as strict as by default, and serves
// every request. Refusing the whole document instead, it would take in no route and
// no endpoint any more.
type Settings struct {
	// LogLevel is the least level of the proxy's own log; info by default.
	LogLevel  LogLevel   `json:"logLevel,omitempty"`
	AccessLog *AccessLog `json:"accessLog,omitempty"`
	// TrustedHops is the number of proxies before this one whose X-Forwarded fields
	// are believed, from 0, the default, to 16. Nil leaves it to the flag.
	TrustedHops *int32            `json:"trustedHops,omitempty"`
	Limits      *ConnectionLimits `json:"limits,omitempty"`
	Timeouts    *PhaseTimeouts    `json:"timeouts,omitempty"`
}

// LogLevel is the least level that is logged.
type LogLevel string

// The levels of a proxy's log.
const (
	LogDebug LogLevel = "debug"
	LogInfo  LogLevel = "info"
	LogError LogLevel = "error"
)

// AccessLog is the log of requests, and of connections and sessions below HTTP.
type AccessLog struct {
	// Format is off by default.
	Format AccessLogFormat `json:"format,omitempty"`
	// SamplePercent is the share of the requests that are logged; nil logs all of
	// them. What fails with a status of 500 and above, and below HTTP for want of an
	// endpoint, is logged always.
	SamplePercent *int32 `json:"samplePercent,omitempty"`
	// SlowMillis is how long a request takes at least whose line says what the kernel
	// knows of its connections; nil is 1000, and zero says it of none. It is at most an
	// hour.
	SlowMillis *int32 `json:"slowMillis,omitempty"`
	// Fields are those of a line, by their names there, beside the time; none stand for
	// all but the query. See AccessLogFields.
	Fields []string `json:"fields,omitempty"`
}

// AccessLogFields are the names of the fields that may be chosen. What stands behind
// the path of a target, the query, often holds what is secret: it is written where it
// is chosen, and nowhere else.
func AccessLogFields() []string {
	return []string{
		"client", "method", "host", "target", "query", "protocol", "status", "durationMicros", "upstreamMicros", "requestBytes", "responseBytes",
		"port", "listener", "routeNamespace", "route", "rule", "backend", "endpoint", "attempts", "flags",
		"clientAcceptMicros", "clientRTTMicros", "clientRetransmits", "backendConnectMicros", "backendRTTMicros", "backendRetransmits",
		"userAgent", "requestID", "traceID",
	}
}

// AccessLogFormat is how an access log is written.
type AccessLogFormat string

// The formats of access logs.
const (
	AccessLogOff  AccessLogFormat = "off"
	AccessLogJSON AccessLogFormat = "json"
	AccessLogText AccessLogFormat = "text"
)

// ConnectionLimits bound the connections of clients of one proxy, up to a million
// each. A bound that is lowered ends none of them: there are no new ones until fewer
// are left.
type ConnectionLimits struct {
	// MaxConnections is for all ports together: 50000 by default, and never more than
	// the limit of open files leaves.
	MaxConnections int32 `json:"maxConnections,omitempty"`
	// MaxConnectionsPerPort is for each port of TCP; 10000 by default.
	MaxConnectionsPerPort int32 `json:"maxConnectionsPerPort,omitempty"`
}

// PhaseTimeouts bound how long each phase of an exchange may take, up to a day each;
// zero has the default. They are kept to about a second. A change holds for phases in
// progress as well; under overload a proxy may be less patient.
type PhaseTimeouts struct {
	// RequestHeadMillis is from the first byte of a request's head to its last; 10 s
	// by default.
	RequestHeadMillis int64 `json:"requestHeadMillis,omitempty"`
	// RequestBodyIdleMillis is how long a client may pause within a body; 60 s by
	// default.
	RequestBodyIdleMillis int64 `json:"requestBodyIdleMillis,omitempty"`
	// ResponseIdleMillis is how long a client may take no byte of an answer; 60 s by
	// default.
	ResponseIdleMillis int64 `json:"responseIdleMillis,omitempty"`
	// KeepAliveMillis is how long a client's connection is kept between requests;
	// 60 s by default.
	KeepAliveMillis int64 `json:"keepAliveMillis,omitempty"`
	// TunnelIdleMillis is how long an upgraded connection may be silent; an hour by
	// default.
	TunnelIdleMillis int64 `json:"tunnelIdleMillis,omitempty"`
	// BackendConnectMillis bounds the connecting to one endpoint; 2 s by default, and
	// 5 s below HTTP.
	BackendConnectMillis int64 `json:"backendConnectMillis,omitempty"`
	// BackendIdleMillis is how long nothing may come of a backend that has the whole
	// request, where its rule has no timeouts; 5 min by default.
	BackendIdleMillis int64 `json:"backendIdleMillis,omitempty"`
	// BackendKeepAliveMillis is how long an idle connection to a backend is kept;
	// 90 s by default.
	BackendKeepAliveMillis int64 `json:"backendKeepAliveMillis,omitempty"`
}

// The bounds of settings.
const (
	maxTrustedHops = 16
	maxConnections = 1_000_000
)

// ValidSettings returns the settings of a configuration, without those fields that it
// hands to refuse: of each of them the default holds, and the others are in effect.
func ValidSettings(c *Config, refuse func(RefusedItem)) Settings {
	if c.Settings == nil {
		return Settings{}
	}
	v := settingsValidator{refuse}
	s := *c.Settings
	s.LogLevel = oneOf(v, "logLevel", s.LogLevel, LogDebug, LogInfo, LogError)
	s.AccessLog = v.accessLog(s.AccessLog)
	s.TrustedHops = optional(v, "trustedHops", s.TrustedHops, maxTrustedHops)
	s.Limits = v.limits(s.Limits)
	s.Timeouts = v.timeouts(s.Timeouts)
	return s
}

type settingsValidator struct{ refuse func(RefusedItem) }

func (v settingsValidator) refuseField(field, format string, args ...any) {
	v.refuse(RefusedItem{Kind: KindSetting, Name: field, Reason: fmt.Sprintf(format, args...)})
}

func (v settingsValidator) accessLog(in *AccessLog) *AccessLog {
	if in == nil {
		return nil
	}
	out := *in
	out.Format = oneOf(v, "accessLog.format", in.Format, AccessLogOff, AccessLogJSON, AccessLogText)
	out.SamplePercent = optional(v, "accessLog.samplePercent", in.SamplePercent, 100)
	out.SlowMillis = optional(v, "accessLog.slowMillis", in.SlowMillis, 3_600_000)
	out.Fields = nil
	for _, name := range in.Fields {
		if !slices.Contains(AccessLogFields(), name) {
			v.refuseField("accessLog.fields", "%q is no field", name)
			continue
		}
		out.Fields = append(out.Fields, name)
	}
	return &out
}

func (v settingsValidator) limits(in *ConnectionLimits) *ConnectionLimits {
	if in == nil {
		return nil
	}
	out := *in
	within(v, "limits.maxConnections", &out.MaxConnections, maxConnections)
	within(v, "limits.maxConnectionsPerPort", &out.MaxConnectionsPerPort, maxConnections)
	return &out
}

func (v settingsValidator) timeouts(in *PhaseTimeouts) *PhaseTimeouts {
	if in == nil {
		return nil
	}
	out := *in
	for _, f := range []struct {
		name  string
		value *int64
	}{
		{"requestHeadMillis", &out.RequestHeadMillis},
		{"requestBodyIdleMillis", &out.RequestBodyIdleMillis},
		{"responseIdleMillis", &out.ResponseIdleMillis},
		{"keepAliveMillis", &out.KeepAliveMillis},
		{"tunnelIdleMillis", &out.TunnelIdleMillis},
		{"backendConnectMillis", &out.BackendConnectMillis},
		{"backendIdleMillis", &out.BackendIdleMillis},
		{"backendKeepAliveMillis", &out.BackendKeepAliveMillis},
	} {
		within(v, "timeouts."+f.name, f.value, maxMillis)
	}
	return &out
}

// within takes a number back to zero that is not in its bounds.
func within[T int32 | int64](v settingsValidator, field string, n *T, most T) {
	if *n < 0 || *n > most {
		v.refuseField(field, "%d is not in 0..%d", *n, most)
		*n = 0
	}
}

// optional is nil for a number that is not in 0..most.
func optional(v settingsValidator, field string, n *int32, most int32) *int32 {
	if n != nil && (*n < 0 || *n > most) {
		v.refuseField(field, "%d is not in 0..%d", *n, most)
		return nil
	}
	return n
}

// oneOf is empty for a word that is none of the known ones.
func oneOf[T ~string](v settingsValidator, field string, word T, known ...T) T {
	if word == "" || slices.Contains(known, word) {
		return word
	}
	var names []string
	for _, k := range known {
		names = append(names, string(k))
	}
	v.refuseField(field, "%q is none of %s", word, strings.Join(names, ", "))
	return ""
}
