// Package http2 judges the shipped proxy by HTTP/2 programs that others wrote,
// h2spec and gRPC's interop client and server, by gRPC stories of our own, and
// by a table of requests that must not survive the step down to HTTP/1.1.
//
// Its tests run against a peer with the flag -against: see
// test/internal/target.
package http2
