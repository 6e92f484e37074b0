// Package metrics counts what the proxy does and exports it to Prometheus.
//
// Each loop of the engine has an Observer of its own, with counters that no
// other loop writes: telling it of a request costs a few uncontended adds,
// without a lock and without an allocation. The Collector sums them when it is
// scraped.
//
// Labels come from the configuration and never from a client, and there is a
// bound to how many series there are: see shown. All names are in names.go.
package metrics
