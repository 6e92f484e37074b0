// Package l4 forwards what is below HTTP: the bytes of TCP connections, those of
// TLS sessions that pass through or were ended before, and datagrams.
//
// A Stream is a connection of which the caller knows the rule; a Server connects
// it with an endpoint and forwards both ways until both have ended. A UDPPort is
// a socket for datagrams, whose clients each have a session with one endpoint.
//
// To package balance each of them is one request in flight and one connection,
// for as long as it lasts: the policy of a backend holds for them as for requests.
// What exceeds its limits is reset, and of UDP dropped.
//
// Goroutines drive it: these connections are long or rare. One that is idle
// holds no buffer and no pipe. The package knows neither of hellos and headers
// that come before a Stream's bytes, nor of ports opening and closing.
package l4
