// Package edge runs the shipped proxy for tests: it builds the program once per
// run, gives it a directory with a configuration and certificates laid out as
// the kubelet lays out a volume, starts it with its defaults, and tells what it
// uses of the machine.
//
//	proxyconfig.Config, key pairs ─► volume ─► fleetgate-proxy ─► Addr, Usage, Metrics
//
// The package knows nothing of what is sent through the proxy.
package edge
