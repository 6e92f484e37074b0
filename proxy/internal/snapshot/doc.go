// Package snapshot holds the compiled form of one configuration: what a request
// reads, from its first byte to its last, and nothing that changes meanwhile.
//
// Compile turns a proxyconfig.Config, the certificates at hand and the Registry
// of backends into a Snapshot. Every listener, certificate, route, rule and
// backend is compiled alone: one that cannot be is refused, fails by itself
// (its own 500, its own failed handshake) and is named to the operator, while
// everything beside it serves.
//
// The package opens no socket and knows nothing of where configurations come
// from.
package snapshot
