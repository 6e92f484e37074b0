package render

import (
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// settings is nil where all is left to the proxies. What replaces their pods when it
// changes is not among them.
func settings(source *v1alpha1.ProxyParameters) *proxyconfig.Settings {
	if source == nil {
		return nil
	}
	return unlessZero(proxyconfig.Settings{
		LogLevel:    proxyconfig.LogLevel(value(source.LogLevel)),
		AccessLog:   accessLog(source.AccessLog),
		TrustedHops: source.TrustedHops,
		Limits:      connectionLimits(source.Limits),
		Timeouts:    phaseTimeouts(source.Timeouts),
	})
}

// accessLog renders one that is disabled as well, as an installation may log by default.
func accessLog(source *v1alpha1.AccessLogParameters) *proxyconfig.AccessLog {
	if source == nil {
		return nil
	}
	log := proxyconfig.AccessLog{
		Format:        accessLogFormat(value(source.Format)),
		SamplePercent: source.SamplePercent,
		SlowMillis:    slowMillis(source.SlowThreshold),
	}
	for _, f := range source.Fields {
		log.Fields = append(log.Fields, string(f))
	}
	if log.Format == "" && log.SamplePercent == nil && log.SlowMillis == nil && len(log.Fields) == 0 {
		return nil
	}
	return &log
}

// slowMillis tells no threshold at all, which has the default, from zero.
func slowMillis(text *gatewayv1.Duration) *int32 {
	if text == nil {
		return nil
	}
	return new(int32(min(span(text), time.Hour.Milliseconds())))
}

// accessLogFormat is the contract's word for a format.
func accessLogFormat(format v1alpha1.AccessLogFormat) proxyconfig.AccessLogFormat {
	switch format {
	case v1alpha1.AccessLogDisabled:
		return proxyconfig.AccessLogOff
	case v1alpha1.AccessLogJSON:
		return proxyconfig.AccessLogJSON
	case v1alpha1.AccessLogText:
		return proxyconfig.AccessLogText
	}
	return ""
}

// LogByDefault has the proxies of a configuration write an access log of a format,
// off, json or text, unless its Gateway's parameters say which.
func LogByDefault(config *proxyconfig.Config, format string) {
	if format == "" || proxyconfig.AccessLogFormat(format) == proxyconfig.AccessLogOff {
		return
	}
	if config.Settings == nil {
		config.Settings = &proxyconfig.Settings{}
	}
	log := &config.Settings.AccessLog
	if *log == nil {
		*log = &proxyconfig.AccessLog{}
	}
	if (*log).Format == "" {
		(*log).Format = proxyconfig.AccessLogFormat(format)
	}
}

func connectionLimits(source *v1alpha1.LimitParameters) *proxyconfig.ConnectionLimits {
	if source == nil {
		return nil
	}
	return unlessZero(proxyconfig.ConnectionLimits{
		MaxConnections:        value(source.MaxConnections),
		MaxConnectionsPerPort: value(source.MaxConnectionsPerPort),
	})
}

func phaseTimeouts(source *v1alpha1.TimeoutParameters) *proxyconfig.PhaseTimeouts {
	if source == nil {
		return nil
	}
	return unlessZero(proxyconfig.PhaseTimeouts{
		RequestHeadMillis:      span(source.RequestHead),
		RequestBodyIdleMillis:  span(source.RequestBodyIdle),
		ResponseIdleMillis:     span(source.ResponseIdle),
		KeepAliveMillis:        span(source.KeepAlive),
		TunnelIdleMillis:       span(source.TunnelIdle),
		BackendConnectMillis:   span(source.BackendConnect),
		BackendIdleMillis:      span(source.BackendIdle),
		BackendKeepAliveMillis: span(source.BackendKeepAlive),
	})
}

// span is a duration in milliseconds, and zero, which has the default, for none.
func span(text *gatewayv1.Duration) int64 {
	if text == nil {
		return 0
	}
	parsed, _ := graph.ParseDuration(*text)
	return parsed.Milliseconds()
}

// value is the zero value for nil.
func value[T any](pointer *T) T {
	if pointer == nil {
		var zero T
		return zero
	}
	return *pointer
}

// unlessZero is nil for what says nothing, so that it is not rendered.
func unlessZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
