// Package target starts the proxy that a test judges: the shipped one, or with
// the flag -against a peer, so that the same test tells what the peer makes of
// the same input.
//
//	Backend ─► fleetgate-proxy, Go's reverse proxy or HAProxy ─► Proxy{Plain, TLS}
//
// All of them speak HTTP/1.1 and HTTP/2 on both of their ports, and forward
// every request to the one backend, or those for a host of its own to a second
// one.
package target
