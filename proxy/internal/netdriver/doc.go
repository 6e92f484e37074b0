// Package netdriver drives the state machine of package exchange over net.Conn,
// with goroutines that block. It runs wherever Go does and under the race
// detector. On Linux package epoll serves the ports of HTTP and HTTPS, and this
// one the connections that begin with a PROXY protocol header or share their port
// with TLS that is forwarded, unless the program is built with the tag portable.
//
// Connections are spread over shards. A shard is one exchange.Loop under a
// mutex, which stands for the single thread that the Loop expects: whoever has
// read something takes the mutex and tells the Peer. What is to be written is
// written by goroutines of their own after the mutex is free again, so that two
// sides that both wait to be read cannot hold each other up.
package netdriver
