// Package supervise keeps a proxy's worker process running: the same executable with a
// mark in its environment. A worker that crashes or is killed is followed by another one
// at once, which takes over its listening sockets, so that clients wait for some tens of
// milliseconds where they would be refused until the kubelet has the container started
// again. What was in progress on the worker is lost.
//
// A worker that ends by itself ends the supervisor, as does one that crashes again and
// again: the kubelet's back-off, and what watches it, then see to it.
package supervise
