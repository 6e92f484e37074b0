// Package probe is the contract between the proxy and its sensor: the record
// that the proxy's probe function carries in registers for each finished
// request, the messages that the two exchange over a Unix socket, and the
// layout of the shared table that is used where no probe can be attached.
//
// It imports the standard library only. The C programs share the layout
// through bpf/headers/probe.h; a test holds the two together.
package probe
