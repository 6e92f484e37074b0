// Package observe runs the real Prometheus operator and a real Prometheus in the test
// cluster, and asks that Prometheus what it knows.
//
// The Prometheus is set up as a widely used distribution does it: it selects
// ServiceMonitors of all namespaces, and of them only those with a label that nobody
// tells Fleetgate of.
package observe
