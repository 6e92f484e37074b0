// Package listener owns the sockets that clients connect to, one port at a
// time. A new snapshot opens and closes ports; sockets and connections of ports
// that stay are not touched by it.
//
// Ports of HTTP and HTTPS go to epoll loops where there are such. All others are
// accepted by goroutines, and where there are no loops these are, too: what
// begins with a request or an HTTPS handshake goes on to a driver of package
// exchange, TLS, TCP and UDP to package l4. Where a PROXY protocol header or a
// hello decides what a connection is, it waits in a bounded room until it has
// been read; that is all that the package knows of protocols.
package listener
