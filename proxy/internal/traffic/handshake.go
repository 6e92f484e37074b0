package traffic

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/tlsconn"
)

// Handshake is a TLS handshake of a client that has ended.
type Handshake struct {
	// Listener is the one that the client has named, or the first of its port.
	Listener *snapshot.Listener
	How      probe.Handshake
	// Took is the time since the client was accepted.
	Took time.Duration
}

// HandshakeObserver is an Observer that is told of handshakes, too.
type HandshakeObserver interface {
	HandshakeDone(Handshake)
}

// TellHandshake tells an Observer of a handshake, if that wants to know.
func TellHandshake(o Observer, h Handshake) {
	if of, ok := o.(HandshakeObserver); ok {
		of.HandshakeDone(h)
	}
}

// EndOfHandshake says how a handshake has ended by what crypto/tls, or the connection
// below it, has had against it.
func EndOfHandshake(err error) probe.Handshake {
	var op *net.OpError
	switch {
	case err == nil:
		return probe.HandshakeMade
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return probe.HandshakeTimeout
	case hasLeft(err):
		return probe.HandshakeLeft
	case errors.As(err, &op) && op.Op == "remote error":
		return probe.HandshakeAlert
	}
	return probe.HandshakeRefused
}

func hasLeft(err error) bool {
	for _, gone := range []error{tlsconn.ErrTruncated, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}
