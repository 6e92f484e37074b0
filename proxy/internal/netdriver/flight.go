package netdriver

import (
	"crypto/tls"
	"net"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/tlsconn"
)

// flightRead is what is read of a handshake at once, so that little of what follows
// it is taken for a part of it.
const flightRead = 4 << 10

// flight is a client's connection beneath its TLS handshake: it bounds what comes
// without an answer between. It is for one goroutine until over is set, which must
// be before another one has it.
type flight struct {
	net.Conn
	greeting *Greeting
	n        int
	over     bool
}

// Shake makes the handshake of a client within the bounds of a Greeting. No more comes
// of the client at a time than package tlsconn takes of one. The connection, of which
// the deadline for writing is the caller's, is the caller's to close.
func Shake(nc net.Conn, g *Greeting, config *tls.Config, handshake func(*tls.Conn) error) (*tls.Conn, error) {
	f := &flight{Conn: nc, greeting: g}
	tc := tls.Server(f, config)
	if err := handshake(tc); err != nil {
		return nil, err
	}
	f.over = true
	return tc, nc.SetReadDeadline(time.Time{})
}

// Read implements net.Conn.
func (f *flight) Read(b []byte) (int, error) {
	if f.over {
		return f.Conn.Read(b)
	}
	n, err := f.greeting.Read(f.Conn, b[:min(len(b), flightRead)])
	if f.n += n; f.n > tlsconn.MaxFlight {
		return 0, tlsconn.ErrFlood
	}
	return n, err
}

// Write implements net.Conn.
func (f *flight) Write(b []byte) (int, error) {
	if !f.over {
		f.n = 0
	}
	return f.Conn.Write(b)
}

// NetConn is the connection below.
func (f *flight) NetConn() net.Conn { return f.Conn }

// SetLinger is that of a *net.TCPConn.
func (f *flight) SetLinger(seconds int) error { return setLinger(f.Conn, seconds) }
