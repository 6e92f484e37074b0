// Package app is the sensor as a whole: it tests what the kernel allows, waits
// for the proxy, attaches to it and serves the metrics.
//
// Whatever is refused is replaced by the next best: a probe by shared memory,
// connection programs by those of the node's agent, where it has one, or by the
// kernel's counters. Only the metrics' address and the socket are needed for the
// sensor to run.
package app
