// Package exchange is the core of the engine: the state machine of one client
// connection and the backend connection that serves its current request. Bytes
// and what happened to the connections go in by the methods of Conn; what is to
// be done with them comes out as calls of a Driver.
//
//	driver                     Conn
//	  ClientData  ──────────►  head ─ route ─ filters ─ endpoint
//	              ◄──────────  Take, WriteUpstream
//	  UpstreamData ─────────►  response head, body
//	              ◄──────────  WriteClient, ReleaseUpstream
//
// The package knows of no sockets, goroutines or clock: a driver owns those and
// tells the time through Loop.SetNow. Conns of one Loop share its scratch
// memory, so a driver never runs two of them at once. Drivers are epoll (loops
// on Linux) and netdriver (goroutines, portable).
package exchange
