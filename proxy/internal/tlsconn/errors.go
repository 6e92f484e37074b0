package tlsconn

import (
	"crypto/tls"
	"errors"
)

var (
	// ErrWant says that Read has no plaintext until more is fed. It is no end.
	ErrWant error = wantError{}
	// ErrTruncated says that the peer's bytes ended without a close_notify alert
	// (RFC 8446, section 6.1): whoever sits in between may have cut them off.
	ErrTruncated = errors.New("the connection ended without close_notify")
	// ErrFlood says that the peer sent messages of the protocol in place of data,
	// without end or without reading the answers to them, or of a handshake more
	// than any needs.
	ErrFlood = errors.New("too many TLS messages without data")
	// ErrDiscarded says that the owner gave the connection up.
	ErrDiscarded = errors.New("the TLS connection was discarded")
	// ErrHandshaking says that the handshake has not ended yet.
	ErrHandshaking = errors.New("the TLS handshake has not ended")
)

// wantError is a net.Error that is temporary, which crypto/tls does not
// remember: the next Read goes on where this one stopped.
type wantError struct{}

func (wantError) Error() string   { return "more TLS input is wanted" }
func (wantError) Timeout() bool   { return true }
func (wantError) Temporary() bool { return true }

// plaintextAnswer is what somebody hears who speaks HTTP without TLS.
const plaintextAnswer = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 29\r\n\r\n" +
	"This port is served over TLS\n"

// isPlaintextHTTP says whether a handshake failed because the first bytes were
// those of an HTTP request. No method begins with a byte that begins a record.
func isPlaintextHTTP(err error) bool {
	var header tls.RecordHeaderError
	if !errors.As(err, &header) || header.Conn == nil {
		return false
	}
	for _, c := range header.RecordHeader {
		if (c < 'A' || c > 'Z') && c != ' ' && c != '/' && c != '*' {
			return false
		}
	}
	return true
}
