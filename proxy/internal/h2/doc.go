// Package h2 turns bytes into HTTP/2 events and back, for both roles: a server
// for the clients of the proxy and a client for its backends (RFC 9113, RFC
// 7541 and RFC 8441). Message heads have the form of package h1, so that
// routing, filters and writing do not care which version brought them.
//
// A Conn is fed with input, calls its Handler for what the input means, and
// appends the frames to send to Out, which its owner writes. It is as strict as
// package h1: what HTTP/1 recipients could read in two ways ends the stream.
// What costs more to answer than to send is counted, and a peer that does too
// much of it loses its connection.
//
// The package knows of no socket, no clock and no goroutine: time is told with
// the input, and nothing here is safe for concurrent use.
package h2
