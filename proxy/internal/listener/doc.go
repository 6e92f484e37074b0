// Package listener owns the sockets that clients connect to, one port at a
// time, and hands them to a driver of package exchange: plaintext ports to
// epoll loops where there are such, others to goroutines. A new snapshot opens
// and closes ports; sockets and connections of ports that stay are not touched
// by it.
//
// It knows of no configuration but a snapshot's port numbers, and of no
// protocol.
package listener
