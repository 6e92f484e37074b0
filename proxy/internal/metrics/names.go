package metrics

import "github.com/prometheus/client_golang/prometheus"

// Metric describes one metric of the proxy.
type Metric struct {
	Name, Help string
	Type       prometheus.ValueType
	Labels     []string
}

// The metrics. Routes are "namespace/name"; "-" stands for requests that no
// route took, "*" for those that have no label of their own.
var (
	requestsTotal = Metric{"fleetgate_proxy_requests_total",
		"Finished requests by listener, route and class of the status.",
		prometheus.CounterValue, []string{"listener", "route", "code_class"}}
	requestDuration = Metric{"fleetgate_proxy_request_duration_seconds",
		"Time from the first byte of a request to the last byte of its response.",
		prometheus.UntypedValue, []string{"listener"}}
	requestsInFlight = Metric{"fleetgate_proxy_requests_in_flight",
		"Requests that have begun and are not finished.",
		prometheus.GaugeValue, nil}
	openConnections = Metric{"fleetgate_proxy_open_connections",
		"Open connections of clients.",
		prometheus.GaugeValue, nil}
	backendFailuresTotal = Metric{"fleetgate_proxy_backend_failures_total",
		"Requests that failed at a backend, by reason: connect, reset or timeout.",
		prometheus.CounterValue, []string{"reason"}}
	clientCancelsTotal = Metric{"fleetgate_proxy_client_cancels_total",
		"Requests whose client left before the response was complete.",
		prometheus.CounterValue, nil}
	retriesTotal = Metric{"fleetgate_proxy_retries_total",
		"Further attempts of requests after a first one at a backend.",
		prometheus.CounterValue, nil}
	endpoints = Metric{"fleetgate_proxy_endpoints",
		"Endpoints of all backends by state: active, ejected after failures, or terminating.",
		prometheus.GaugeValue, []string{"state"}}
	configLastReloadSuccessful = Metric{"fleetgate_proxy_config_last_reload_successful",
		"Whether a configuration serves and none was refused since.",
		prometheus.GaugeValue, nil}
	configLastReloadSuccess = Metric{"fleetgate_proxy_config_last_reload_success_timestamp_seconds",
		"When a configuration was last applied.",
		prometheus.GaugeValue, nil}
	configHash = Metric{"fleetgate_proxy_config_hash",
		"The first 48 bits of the hash of the configuration that serves, to compare proxies.",
		prometheus.GaugeValue, nil}
	configRevision = Metric{"fleetgate_proxy_config_revision",
		"The revision of the configuration that serves.",
		prometheus.GaugeValue, nil}
	configReloadsTotal = Metric{"fleetgate_proxy_config_reloads_total",
		"Configurations that were applied.",
		prometheus.CounterValue, nil}
	configRejectionsTotal = Metric{"fleetgate_proxy_config_rejections_total",
		"Configurations that were refused as a whole, by the reason.",
		prometheus.CounterValue, []string{"reason"}}
	configRefusedItems = Metric{"fleetgate_proxy_config_refused_items",
		"Items of the configuration that serves which fail alone, such as an invalid rule.",
		prometheus.GaugeValue, nil}
	configUnknownFields = Metric{"fleetgate_proxy_config_unknown_fields",
		"Fields of the configuration that serves which this proxy does not know.",
		prometheus.GaugeValue, nil}
	configSaveErrorsTotal = Metric{"fleetgate_proxy_config_save_errors_total",
		"Times that the configuration could not be kept for the next start.",
		prometheus.CounterValue, nil}
	accessLogDroppedTotal = Metric{"fleetgate_proxy_access_log_dropped_total",
		"Lines of the access log that were dropped, as writing them did not keep up.",
		prometheus.CounterValue, nil}
	spansExportedTotal = Metric{"fleetgate_proxy_spans_exported_total",
		"Spans that a collector took.",
		prometheus.CounterValue, nil}
	spansDroppedTotal = Metric{"fleetgate_proxy_spans_dropped_total",
		"Spans that were dropped: more than could be sent (overflow), or taken by no collector (export_failed).",
		prometheus.CounterValue, []string{"reason"}}
	overloadLevel = Metric{"fleetgate_proxy_overload_level",
		"What is left undone for want of memory or time: 0 nothing, 1 keep-alive, 2 new requests, 3 new connections.",
		prometheus.GaugeValue, nil}
	shedRequestsTotal = Metric{"fleetgate_proxy_shed_requests_total",
		"Requests that were answered 503 because of overload.",
		prometheus.CounterValue, nil}
	refusedConnectionsTotal = Metric{"fleetgate_proxy_refused_connections_total",
		"Connections of clients that were closed at once, or before their first request, by what there was too much of.",
		prometheus.CounterValue, []string{"reason"}}
	refusedSessionsTotal = Metric{"fleetgate_proxy_refused_sessions_total",
		"Connections below HTTP that were closed at once for want of a route, an endpoint, or room at their listener.",
		prometheus.CounterValue, nil}
	droppedDatagramsTotal = Metric{"fleetgate_proxy_dropped_datagrams_total",
		"Datagrams of UDP listeners that were not forwarded.",
		prometheus.CounterValue, nil}
	certificateExpiry = Metric{"fleetgate_proxy_certificate_expiry_timestamp_seconds",
		"When the first of a listener's certificates expires. The eight listeners where that is first are told apart; the others are *.",
		prometheus.GaugeValue, []string{"listener"}}
	externalHostnames = Metric{"fleetgate_proxy_external_hostnames",
		"Hostnames of backends outside of the cluster: resolved, stale (going on with an earlier answer), or unresolved, whose requests are answered 503.",
		prometheus.GaugeValue, []string{"state"}}
	draining = Metric{"fleetgate_proxy_draining",
		"Whether the proxy is shutting down.",
		prometheus.GaugeValue, nil}
	restartsTotal = Metric{"fleetgate_proxy_restarts_total",
		"Times that the process crashed, or was killed, and was followed by another one in its container.",
		prometheus.CounterValue, nil}
	buildInfo = Metric{"fleetgate_proxy_build_info",
		"A constant 1, labelled by the version of the proxy and of Go.",
		prometheus.GaugeValue, []string{"version", "goversion"}}
)

// All lists the metrics of the proxy, for the documentation.
func All() []Metric {
	return []Metric{
		requestsTotal, requestDuration, requestsInFlight, openConnections,
		backendFailuresTotal, clientCancelsTotal, retriesTotal, endpoints,
		configLastReloadSuccessful, configLastReloadSuccess, configHash, configRevision,
		configReloadsTotal, configRejectionsTotal, configRefusedItems, configUnknownFields, configSaveErrorsTotal,
		overloadLevel, shedRequestsTotal, refusedConnectionsTotal, refusedSessionsTotal, droppedDatagramsTotal,
		certificateExpiry, externalHostnames, accessLogDroppedTotal, spansExportedTotal, spansDroppedTotal, draining, restartsTotal, buildInfo,
	}
}

func (m Metric) desc() *prometheus.Desc {
	return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
}
