package probe

import "time"

// KindHandshakes is the Kind of a Series whose records are the TLS handshakes of the
// clients of its Listener, and no requests.
const KindHandshakes = "TLSHandshakes"

// Handshake is how a TLS handshake with a client has ended. It is in its record where
// a request has the status, so that those that were made are of Class2xx.
type Handshake uint16

// The ways for handshakes to end.
const (
	// HandshakeTimeout: the client took too long.
	HandshakeTimeout Handshake = iota + 1
	// HandshakeLeft: the client ended the connection without a word.
	HandshakeLeft
	// HandshakeAlert: the client refused to go on, as when it does not trust the
	// certificate.
	HandshakeAlert
	// HandshakeRefused: the proxy refused to go on.
	HandshakeRefused
	// HandshakeMade: it was made.
	HandshakeMade Handshake = 200
)

// Record returns the record of a handshake that took so long, on a series of
// KindHandshakes.
func (h Handshake) Record(series uint32, took time.Duration) Record {
	return Record{Series: series, Status: uint16(h), Protocol: TLS, Duration: uint64(max(took, 0))}
}
