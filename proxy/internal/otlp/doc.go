// Package otlp sends what was recorded of requests to a collector, by OTLP. The
// spans are made by the SDK of OpenTelemetry and encoded by its exporter; what
// carries them is net/http, which speaks both OTLP/HTTP and OTLP/gRPC and is in
// the proxy already.
//
//	engine ─ Take ► queue ► Run: pipeline ─ batch ► client ► collector
//	          └ full: dropped and counted
//
// Everything behind the queue is one goroutine's, which may wait for a collector
// as long as it takes. The engine never does.
package otlp
