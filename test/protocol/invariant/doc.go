// Package invariant holds what a recording backend kept to what is true of every
// request that a proxy forwards, whatever a client sent and by which version of
// HTTP it came.
//
//	I1  nothing is forwarded, or requests that three readers read alike
//	I3  a connection with anything of a refused request on it is not used again
//	I4  what is forwarded has one framing and no hop-by-hop field
//	I5  nothing that a client writes can remove what the proxy says
//
// I2, that a client gets one answer to each request that a backend saw, its own,
// is the business of who holds the client's connection.
package invariant
