// Package netdriver drives the state machine of package exchange over net.Conn,
// with goroutines that block. It runs wherever Go does and under the race
// detector, and it serves the ports that terminate TLS; plaintext ports on
// Linux are served by package epoll.
//
// Connections are spread over shards. A shard is one exchange.Loop under a
// mutex, which stands for the single thread that the Loop expects: whoever has
// read something takes the mutex and tells the Peer. What is to be written is
// written by goroutines of their own after the mutex is free again, so that two
// sides that both wait to be read cannot hold each other up.
package netdriver
