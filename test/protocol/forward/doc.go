// Package forward holds what the proxy forwards to what reached the backend: each
// vector goes in byte by byte, and what the recording backend kept is compared
// with what the vector says, and with the invariants that hold for all of them.
//
//	I1  nothing is forwarded, or requests that three readers read alike
//	I2  a client gets one answer to each request that a backend saw, its own
//	I3  after a refusal the client's connection ends, and the backend's is not
//	    used again if anything of the refused request went over it
//	I4  what is forwarded has one framing and no hop-by-hop field
//	I5  nothing that a client writes can remove what the proxy says
package forward
