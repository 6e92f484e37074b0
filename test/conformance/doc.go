// Package conformance runs the official Gateway API conformance suite against
// the GatewayClass fleetgate. It is a module of its own, so that the suite's
// dependencies stay out of the others; `make conformance` runs it in the test
// cluster.
package conformance
