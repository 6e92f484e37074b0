package attack

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"

	"golang.org/x/net/http2"

	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// cutOff is how soon a connection that floods has to be ended.
const cutOff = 5 * time.Second

// session is an HTTP/2 connection that attacks. Its methods write, for one
// goroutine; what the proxy sends is read and forgotten beside them.
type session struct {
	*wire.Conn
	// stream is the identifier of the newest stream.
	stream  uint32
	streams int
	// turn is which of the streams is next.
	turn uint32
	// ended is closed when the proxy has said goodbye.
	ended chan struct{}
}

// flood is an attack by what is written on one connection, in bursts.
type flood struct {
	secure   bool
	settings []http2.Setting
	// burst writes a part of the attack, which is repeated.
	burst func(*session) error
}

// run floods one connection until the proxy ends it or patience does.
func (f flood) run(_ context.Context, a *Attacker) {
	s, err := a.dial(f)
	if err != nil {
		a.trouble(err)
		return
	}
	defer s.Close()
	start := time.Now()
	over := s.bursts(f.burst, start.Add(a.Patience))
	a.opened(1, s.streams)
	a.closed(time.Since(start), over)
}

// dial opens a session, whose frames are read from then on.
func (a *Attacker) dial(f flood) (*session, error) {
	address, config := a.Plain, (*tls.Config)(nil)
	if f.secure {
		address, config = a.TLS, clientTLS()
	}
	conn, err := wire.Dial(address, config)
	if err != nil {
		return nil, err
	}
	s := &session{Conn: conn, ended: make(chan struct{})}
	go s.read()
	return s, conn.Preface(f.settings...)
}

// read drops all frames until there is no more, or a GOAWAY.
func (s *session) read() {
	defer close(s.ended)
	for {
		frame, err := s.Framer.ReadFrame()
		if err != nil {
			return
		}
		if _, ok := frame.(*http2.GoAwayFrame); ok {
			return
		}
	}
}

// bursts repeats the burst, and says whether the proxy ended the connection
// before the deadline.
func (s *session) bursts(burst func(*session) error, deadline time.Time) bool {
	// The proxy may defend itself by not reading, which blocks here.
	if err := s.SetWriteDeadline(deadline); err != nil {
		return true
	}
	for time.Now().Before(deadline) {
		select {
		case <-s.ended:
			return true
		default:
		}
		if err := errors.Join(burst(s), s.Flush()); err != nil {
			return !errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
	return false
}

// open writes the HEADERS of a request on a new stream.
func (s *session) open(end bool, pairs ...string) error {
	return s.block(end, true, wire.Block(wire.Request("GET", host, "/attack", pairs...)...))
}

// block opens a stream with a header block as it is.
func (s *session) block(end, whole bool, block []byte) error {
	if s.stream == 0 {
		s.stream = 1
	} else {
		s.stream += 2
	}
	s.streams++
	return s.Framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: s.stream, BlockFragment: block, EndStream: end, EndHeaders: whole,
	})
}

// closes reads until the proxy ends the connection; false is a timeout.
func closes(conn net.Conn, within time.Duration) bool {
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return true
	}
	buffer := make([]byte, 4096)
	for {
		if _, err := conn.Read(buffer); err != nil {
			return !errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
}
