// Package proxyproto reads and writes the header by which a load balancer tells
// whose connection it forwards: the PROXY protocol, versions 1 and 2
// (haproxy.org, doc/proxy-protocol.txt).
//
// It turns bytes into a Header and back. It knows of no connections, and not of
// whom to believe: a header from anywhere may be forged, so the caller parses
// those of trusted sources alone.
package proxyproto
