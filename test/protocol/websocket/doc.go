// Package websocket speaks WebSocket (RFC 6455) through the proxy with six
// clients and six servers of different makers, in every combination.
//
// All clients do the same, and fail on the first byte that differs: for each of
// the sizes, a text and a binary message, each whole and in three fragments, is
// sent and must be echoed; a ping must bring its pong; a close with code 4001
// must be answered with that code. They do it without and with permessage-deflate
// (RFC 7692), in the clear, by TLS on both sides of the proxy, and by extended
// CONNECT of HTTP/2 (RFC 8441). A tap before each server sees that messages were
// compressed indeed.
package websocket
