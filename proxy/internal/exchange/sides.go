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
	// blocked reports whether what was sent has not gone yet, leaving whether
	// the client has ended its side.
	blocked() bool
	leaving() bool
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
	// resume says that more of the response is wanted.
	resume()
	blocked() bool
}

// framing is what is known of a body before it comes: its length, or one of
// the values below.
type framing int64

const (
	// unsized bodies end where they end.
	unsized framing = -1
	// bodiless messages have none, whatever their fields say.
	bodiless framing = -2
)
