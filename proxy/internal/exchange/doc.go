// Package exchange is the core of the engine: the state machines of clients'
// and backends' connections, and of the exchange of one request and its
// response between the two. Bytes and what happened to connections go in by the
// methods of Peer; what is to be done with them comes out as calls of a
// Transport.
//
//	driver       Peer                                       Peer        driver
//	  Data  ►  http1Client ─┐                     ┌─ http1Backend  ►  Write
//	                        ├─ client ─ exchange ─┤ upstream
//	  Write ◄  http1Client ─┘                     └─ http1Backend  ◄  Data
//
// An exchange routes, applies filters, chooses endpoints and tries again. It
// knows the protocol of neither side: heads are those of package h1 whatever
// they came as, bodies are data without framing.
//
// The package knows of no sockets, goroutines or clock: a driver owns those and
// tells the time through Loop.SetNow. The Peers of one Loop share its scratch
// memory and its idle connections to backends, so a driver never runs two of
// them at once. Drivers are epoll (loops on Linux) and netdriver (goroutines,
// portable).
package exchange
