// Package snapshot holds the compiled form of one configuration: what a request
// reads, from its first byte to its last, and nothing that changes meanwhile.
//
// Compile turns a proxyconfig.Config, the certificates at hand and the Registry
// of backends into a Snapshot. Every listener, certificate, route, rule and
// backend is compiled alone: one that cannot be is refused, fails by itself
// (its own 500, its own failed handshake) and is named to the operator, while
// everything beside it serves.
//
// TLS is compiled here too: for a port, the tls.Config that goes by the
// listener of the client's server name, with Port.Misdirected for requests that
// stray from it; for a backend, the Transport, which says whether and how to
// verify it.
//
// The package opens no socket and knows nothing of where configurations come
// from.
package snapshot
