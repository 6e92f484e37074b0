// Package tlsconn turns ciphertext into plaintext and back: one TLS connection
// as a state machine that owns no socket and never blocks its owner.
//
// The owner, an event loop or a goroutine, hands in what arrived (Feed,
// FeedEOF), takes plaintext out (Read), hands plaintext in (Write, CloseWrite)
// and sends whatever Output holds. Everything that is to be sent, data and
// alerts and answers to the peer's own messages alike, comes out of that one
// buffer in its order.
//
// The protocol is crypto/tls, unchanged. A handshake takes as long as hundreds of
// requests: it goes on when the owner says so (Handshake), from one flight to the
// next, and the owner chooses what comes first.
//
// # For the owner
//
//   - After Handshake, Read and Write, send what Output holds and say how much was
//     sent by Flushed. Read writes too: crypto/tls answers a
//     KeyUpdate, and refuses by an alert.
//   - After NewClient and Feed, call Handshake until it is done, from then on Read
//     until it returns ErrWant. Ask Room before more is received: a connection whose
//     plaintext is not taken keeps its ciphertext.
//   - A connection ends well by CloseWrite and by the peer's io.EOF. What was
//     read before ErrTruncated may be a part of a message and no more.
//   - When the handshake failed, Output still holds the alert, or an answer to
//     one who spoke plaintext HTTP: send it, then close.
//   - The deadline of a handshake is the owner's. Discard ends it.
//
// The package knows nothing of sockets, of HTTP beyond that one answer, and of
// where a tls.Config comes from.
package tlsconn
