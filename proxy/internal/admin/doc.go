// Package admin serves what others ask of the proxy itself, on ports of its own
// and never on a listener's:
//
//	health   plain HTTP, for the kubelet and Prometheus: /livez, /readyz, /metrics
//	admin    TLS and a bearer token, for the operator: /v1/report, /v1/config
//
// Nothing here changes state, and nothing here shows a secret.
package admin
