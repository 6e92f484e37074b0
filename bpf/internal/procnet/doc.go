// Package procnet reads the kernel's own counters of a network namespace from
// /proc/net: what is left to know of connections when no program can be
// attached. No capability is needed for it.
package procnet
