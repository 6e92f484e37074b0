// Package fleet runs the proxies of local mode: one child process for each
// Gateway, with an address, a directory and a cgroup of its own, and beside it
// a sensor. It is to local mode what provisioning and delivery are to a
// cluster.
//
// A Gateway's directory holds what a pod would have mounted: the configuration
// and certificates in a volume that is swapped as a whole, the credentials of
// the admin port, a place for the last good configuration, and the socket that
// proxy and sensor share.
//
//	RUN_DIR/<namespace>_<name>/config/   config.json, <key>.crt, <key>.key
//	                          /admin/    tls.crt, tls.key, ca.crt, token
//	                          /state/
//	                          /run/probe.sock
//	                          /proxy.log, sensor.log
//
// The package knows nothing of the Gateway API. What to serve comes rendered,
// and how the proxies do is told as facts.
package fleet
