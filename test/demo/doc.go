// Command demo shows Fleetgate on a real Kubernetes:
//
//	demo up            start everything, send traffic, print what happens
//	demo observe       the same under a real Prometheus: targets, rules, alerts, dashboards
//	demo conformance   run the official Gateway API conformance suite
//	demo down          end it all
//
// Run it by `make demo`, `make conformance` and `make demo-down`.
package main
