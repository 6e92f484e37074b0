package exchange

import "github.com/fleetgate/fleetgate/proxy/internal/h1"

// client is the client's side of an exchange. What it is told to send may wait
// until flush.
type client interface {
	// interim sends a 1xx response.
	interim(r *h1.Response)
	// head sends the head of the backend's response.
	head(r *h1.Response, body framing)
	// data sends a part of the response's body, end the end of it; end finishes
	// the exchange.
	data(b []byte)
	end(trailer []byte)
	// switched makes the connection a tunnel, by a 101 of the backend. shut ends
	// the client's half of it.
	switched(r *h1.Response)
	shut()
	// answer sends a whole response of the proxy's own and finishes the
	// exchange.
	answer(status int, location []byte)
	// abort breaks off a response that has begun, and finishes the exchange.
	abort()
	flush()
	// resume says that more of the request is wanted.
	resume()
	// room returns how much of the response may be read, which is most at the
	// most and zero while the client is blocked.
	room(most int) int
	// blocked reports whether what was sent has not gone yet, leaving whether
	// the client has ended its side, starved whether what others of its requests wait
	// for keeps it from sending more of this one.
	blocked() bool
	leaving() bool
	starved() bool
	passage
}

// upstream is the backend's side of an exchange. What it is told to send may
// wait until flush.
type upstream interface {
	// data sends more of the request's body, end the end of it. In a tunnel end
	// ends the backend's half.
	data(b []byte)
	end(trailer []byte)
	flush()
	// cancel gives the exchange up.
	cancel()
	// carrier is the connection to the backend, of which others may make use, too.
	carrier() Transport
	// resume says that more of the response is wanted.
	resume()
	blocked() bool
	passage
}

// passage is how the bytes of a body can go to a side without data.
type passage interface {
	// wire is the connection on which the body is sent as it is; nil if there is
	// none.
	wire() Transport
	// passed says that a part of the body was sent there, and whether all that
	// was sent has gone.
	passed(flushed bool)
}

// bulk is the length from which a body is offered to be passed on by the driver.
// Moving pages within the kernel costs more calls than copying what is less.
const bulk = 64 << 10

// framing is what is known of a body before it comes: its length, or one of
// the values below.
type framing int64

const (
	// unsized bodies end where they end.
	unsized framing = -1
	// bodiless messages have none, whatever their fields say.
	bodiless framing = -2
	// empty messages are of length zero, but have not ended: by HTTP/2 more may come,
	// which makes them malformed.
	empty framing = -3
)
