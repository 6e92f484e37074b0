// Package websocket speaks WebSocket (RFC 6455) through the proxy with six
// clients and six servers of different makers, in every combination.
//
// All clients do the same, and fail on the first byte that differs: for each of
// the sizes, a text and a binary message, each whole and in three fragments, is
// sent and must be echoed; a ping must bring its pong; a close with code 4001
// must be answered with that code. They do it twice, without and with
// permessage-deflate (RFC 7692).
package websocket
