// Package forward holds what the proxy forwards to what reached the backend: each
// vector goes in byte by byte, and what the recording backend kept is compared
// with what the vector says, and with the invariants that hold for all of them.
//
// The invariants are those of package invariant, and these of the client's side:
//
//	I2  a client gets one answer to each request that a backend saw, its own
//	I3  after a refusal the client's connection ends
package forward
