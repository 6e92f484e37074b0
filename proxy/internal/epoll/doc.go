// Package epoll drives the state machine of package exchange on Linux: a few
// loops, each on an operating system thread of its own, with non-blocking
// sockets and edge-triggered epoll.
//
//   - A socket is registered once, for everything. What it may be read for is
//     remembered in its readable flag; input that nobody wants stays in the
//     kernel, where it holds up the peer.
//
//   - All sockets of a loop are read into one buffer, so a connection that is
//     idle has no memory but its struct. What the state machine makes of a read
//     is written at once and, but for what the kernel does not take, not kept.
//
//   - Large bodies that neither side has framed or encrypted do not come here:
//     the kernel moves them from socket to socket, by way of a pipe (splice(2)).
//
//   - A socket is closed at the end of the batch in which it died: until then
//     its number cannot come back as another one's.
//
//   - Time is looked at once a batch. Limits are checked by a sweep over all
//     connections every second, and earlier only for those that are shorter.
//
//   - A TLS handshake goes on within the loop, too (see package tlsconn). In one
//     turn handshakes get no more than half a millisecond, or one step of one, so
//     that many of them slow down each other and not the requests beside them.
//
// Loops share nothing. Others speak to a loop by posting it a function. A loop
// keeps one of Go's processors for as long as it has work, so a program should
// have more of them (GOMAXPROCS) than loops.
package epoll
