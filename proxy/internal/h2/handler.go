package h2

import "github.com/fleetgate/fleetgate/proxy/internal/h1"

// Role is which side of a connection we are.
type Role uint8

// The roles.
const (
	// Server is the role towards clients.
	Server Role = iota
	// Client is the role towards backends.
	Client
)

// Handler is told what comes in on a connection. Its methods are called from
// within Receive, Written, Closed and Fail, and may call any method of the Conn
// and its Streams but the first two.
//
// A Stream belongs to whoever opened it, in the server role to the handler from
// NewRequest on, until it calls Release. When the peer or a fault ends it
// before, Reset is called, and nothing after it.
type Handler interface {
	// NewRequest returns where the request of the new stream s is built; Start
	// was called on it. Only the server role calls it. Neither it nor
	// NewResponse does anything to the Conn or the Stream but set its Owner.
	NewRequest(s *Stream) *h1.Request
	// NewResponse returns where the next response head of s, which may be an
	// interim one, is built; Start was called on it. Only the client role calls
	// it.
	NewResponse(s *Stream) *h1.Response
	// Head says that the head is there which NewRequest or NewResponse was
	// called for; end is whether nothing follows it.
	Head(s *Stream, end bool)
	// Data hands over data of the body, which is valid during the call. It has
	// to be given back by Stream.Consumed, then or later.
	Data(s *Stream, b []byte, end bool)
	// Trailers hands over the trailer section that ends the message, in the
	// form of h1.Decoder.Trailer and valid during the call.
	Trailers(s *Stream, section []byte)
	// Reset says that s ended before its time. Refused is whether the peer has
	// certainly not acted upon the request, so that it is safe to send it again
	// elsewhere (RFC 9113, section 8.7).
	Reset(s *Stream, code Code, refused bool)
	// Writable says that s, which could not send all, may send more.
	Writable(s *Stream)
	// GoingAway says that the peer accepts no further streams.
	GoingAway()
}
