// Package load sends a bounded stream of requests and counts what came back,
// so that a test can say "none of n failed".
package load
