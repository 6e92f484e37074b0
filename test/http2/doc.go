// Package http2 judges the shipped proxy by HTTP/2 programs that others wrote,
// h2spec and gRPC's interop client and server, by gRPC stories of our own, and
// by tables of requests that must or must not survive the step down to HTTP/1.1.
// What comes of those is held to the invariants of test/protocol/invariant, and
// goes through backends of seven makers as well.
//
// Its tests run against a peer with the flag -against: see
// test/internal/target.
package http2
