package collect

import "github.com/prometheus/client_golang/prometheus"

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("fleetgate_"+name, help, labels, nil)
}

// The metrics of requests.
var (
	requests = describe("requests_total",
		"Finished requests.",
		"listener", "route", "rule", "method", "code", "protocol")
	requestsFlagged = describe("requests_flagged_total",
		"Finished requests that something befell, by what it was; a request may have several flags.",
		"listener", "route", "flag")
	grpcRequests = describe("grpc_requests_total",
		"Finished gRPC calls, by the status that the client was sent; none if there was none.",
		"listener", "route", "grpc_status")
	requestDuration = describe("request_duration_seconds",
		"Time from a request's first byte to its response's last.",
		"listener", "route", "rule", "code_class")
	requestBytes = describe("request_body_bytes_total",
		"Bytes of request bodies.",
		"listener", "route")
	responseBytes = describe("response_body_bytes_total",
		"Bytes of response bodies.",
		"listener", "route")
	upstreamRequests = describe("upstream_requests_total",
		"Finished requests that a backend was chosen for, by how they ended.",
		"route", "backend", "code", "result")
	upstreamDuration = describe("upstream_request_duration_seconds",
		"Time from the first byte sent to a backend to the last received from it.",
		"backend", "code_class")
)

// The metrics of connections. Those of clients have the label listener, those to
// backends the label backend; the other one is empty.
var (
	opened = describe("tcp_connections_opened_total",
		"Connections established.",
		"side", "listener", "backend")
	closed = describe("tcp_connections_closed_total",
		"Established connections that have ended.",
		"side", "listener", "backend", "reason")
	connections = describe("tcp_connections",
		"Connections established and not ended.",
		"side", "listener", "backend")
	lifetime = describe("tcp_connection_duration_seconds",
		"Time from a connection's being established to its end.",
		"side")
	lasted = describe("tcp_connection_lifetime_seconds_total",
		"Time from being established to the end, of all connections that have ended.",
		"side", "listener", "backend")
	connectDuration = describe("tcp_connect_duration_seconds",
		"Time from the first packet to a backend to the connection being established.",
		"backend")
	connectFailures = describe("tcp_connect_failures_total",
		"Connections to backends that were never established.",
		"backend", "reason")
	acceptWait = describe("tcp_accept_wait_seconds",
		"Time that established connections waited in the queue to be accepted.",
		"listener")
	handshakeDuration = describe("tls_handshake_duration_seconds",
		"Time from a client's being accepted to the end of its TLS handshake, of those that were made.",
		"listener")
	handshakeFailures = describe("tls_handshake_failures_total",
		"TLS handshakes with clients that were not made.",
		"listener", "reason")
	queueLength = describe("tcp_accept_queue_length",
		"Connections that wait to be accepted.",
		"listener")
	queueLimit = describe("tcp_accept_queue_limit",
		"Connections that may wait to be accepted.",
		"listener")
	openRTT = describe("tcp_open_smoothed_rtt_seconds",
		"Smoothed round-trip time of open connections, the mean and the greatest (stat).",
		"side", "listener", "backend", "stat")
	retransmitting = describe("tcp_open_retransmitting",
		"Open connections whose oldest segment was sent again and is still not acknowledged.",
		"side", "listener", "backend")
	listenOverflows = describe("tcp_listen_overflows_total",
		"Connections lost because an accept queue was full.")
	listenDrops = describe("tcp_listen_drops_total",
		"Attempts to connect that a listener turned down, most of them because its accept queue was full.",
		"listener")
	smoothedRTT = describe("tcp_smoothed_rtt_seconds",
		"Smoothed round-trip time of connections when they ended.",
		"side")
	retransmitted = describe("tcp_retransmitted_segments_total",
		"Segments sent again.",
		"side", "listener", "backend")
	resetsReceived = describe("tcp_resets_received_total",
		"Established connections that the other side reset.",
		"side")
	resetsSent = describe("tcp_resets_sent_total",
		"Established connections that this side reset.",
		"side")
	receivedBytes = describe("tcp_received_bytes_total",
		"Payload received.",
		"side", "listener", "backend")
	transmittedBytes = describe("tcp_transmitted_bytes_total",
		"Payload sent and acknowledged.",
		"side", "listener", "backend")
)

// The metrics of the sensor itself.
var (
	sensorInfo = describe("sensor_info",
		"How requests (l7_mode) and connections (l4_mode) are counted; always 1.",
		"l7_mode", "l4_mode", "kernel", "version")
	hookAttached = describe("sensor_hook_attached",
		"Whether the program for a hook is attached.",
		"hook")
	droppedRecords = describe("sensor_dropped_records_total",
		"Calls of the probe function that were not counted, for their layout is not known.")
	seriesOverflow = describe("sensor_series_overflow_total",
		"Times that something was counted under no name of its own, for a map was full.",
		"map")
)

var descriptions = []*prometheus.Desc{
	requests, requestsFlagged, grpcRequests, requestDuration, requestBytes, responseBytes, upstreamRequests, upstreamDuration,
	opened, closed, connections, lifetime, lasted, connectDuration, connectFailures, acceptWait, listenOverflows, listenDrops,
	handshakeDuration, handshakeFailures, queueLength, queueLimit, openRTT, retransmitting,
	smoothedRTT, retransmitted, resetsReceived, resetsSent, receivedBytes, transmittedBytes,
	sensorInfo, hookAttached, droppedRecords, seriesOverflow,
}
