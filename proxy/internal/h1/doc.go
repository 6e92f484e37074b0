// Package h1 turns bytes into HTTP/1 message heads and back, and takes chunked
// bodies apart, as RFC 9112 has it and no more leniently: what two recipients
// could read in two ways is an error here.
//
// Parsing copies nothing. A head refers to the slice that it was parsed from,
// which the caller keeps unchanged for as long as it uses the head; only the
// host and the path are brought into their normal form, in place, so that what
// is matched and what is forwarded are the same bytes.
//
// The package knows of no connection, no clock and no configuration.
package h1
