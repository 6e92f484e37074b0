// Package cluster is the Kubernetes side of where objects come from: which of
// them are cached, how much of each, and how the rest is read.
//
// Everything on the way of a route change is read from caches. They hold what
// belongs to fleets by label, what users write without the fields that nobody
// reads, and of Secrets the metadata alone. Objects from the caches are shared
// and must not be changed.
//
// What is written is sent in the binary form where there is one, and answered with the
// metadata alone: the caches bring the rest.
package cluster
