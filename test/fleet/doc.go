// Command fleet measures what many Gateways at once cost, and writes
// docs/benchmarks/fleet.md: `make bench-fleet`.
//
// It starts the test cluster, makes a namespace for each tenant, and creates all
// Gateways with their routes as fast as the API server takes them. A few of them
// have real proxies; the pods of the others run on nodes of package simulator,
// which answer the operator and carry no traffic. Everything shares one machine,
// control plane and simulator included.
//
// What is said of the operator comes from its process in /proc and from its
// metrics: each request that it made to change something counts as a write,
// except for what is about its lease, and including those that were refused.
package main
