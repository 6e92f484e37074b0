package exchange

import (
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// Limits bound what a client or a backend can make a connection wait for. Zero
// fields have the defaults that DefaultLimits returns.
type Limits struct {
	// Head bounds the time from the first byte of a head to its last.
	Head time.Duration
	// Idle is how long a connection is kept between requests.
	Idle time.Duration
	// Body is how long a client may pause within a request body, and Pace the bytes of
	// it per second that it has to send at least, on the average of each such time. What
	// the client is not asked for meanwhile is not asked of it, nor is any pace of both
	// sides of a gRPC stream, of a tunnel or once the answer has begun, nor where the
	// rule has timeouts of its own.
	Body time.Duration
	Pace int
	// Stall is how long a client may take no byte of what is sent to it.
	Stall time.Duration
	// Connect bounds the connecting to one endpoint.
	Connect time.Duration
	// Linger is how long a connection that was closed for sending still takes
	// (and drops) input, so that the last response is not lost to a reset.
	Linger time.Duration
	// Leaving is how long the backend may be silent after an HTTP/1 client has
	// ended its side. Clients that are gone and clients that merely half-closed,
	// which TCP allows them, look the same until they are sent something. Giving
	// up at once, as some proxies do, would lose the answers of the latter;
	// waiting for ever would let the former keep a backend at work. So a backend
	// that is silent hears of the client's end late, having worked for nobody
	// meanwhile. Where it sends anything, the client that is gone resets the
	// connection and all ends. Under overload it is a second at the most.
	Leaving time.Duration
	// Silence is how long nothing may come of a backend that has the whole request,
	// and of both sides of a gRPC stream or after the answer's head, where the rule has no
	// timeouts of its own.
	Silence time.Duration
	// Tunnel is how long an upgraded connection may be silent.
	Tunnel time.Duration
	// PoolIdle is how long an idle connection to a backend is kept.
	PoolIdle time.Duration
}

// DefaultLimits returns the limits that are on unless they are set.
func DefaultLimits() Limits {
	return Limits{
		Head:     10 * time.Second,
		Idle:     60 * time.Second,
		Body:     60 * time.Second,
		Pace:     100,
		Stall:    60 * time.Second,
		Connect:  2 * time.Second,
		Linger:   2 * time.Second,
		Leaving:  5 * time.Second,
		Silence:  5 * time.Minute,
		Tunnel:   time.Hour,
		PoolIdle: 90 * time.Second,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&l.Head, d.Head}, {&l.Idle, d.Idle}, {&l.Body, d.Body}, {&l.Stall, d.Stall},
		{&l.Connect, d.Connect}, {&l.Linger, d.Linger}, {&l.Leaving, d.Leaving}, {&l.Tunnel, d.Tunnel},
		{&l.PoolIdle, d.PoolIdle}, {&l.Silence, d.Silence},
	} {
		if *f.value <= 0 {
			*f.value = f.def
		}
	}
	if l.Pace <= 0 {
		l.Pace = d.Pace
	}
	return l
}

// freshTime is how long a connection without a request may be expected to bring
// one soon.
const freshTime = time.Second

// at returns the limits at a level of overload: who makes others wait, and holds
// memory meanwhile, has less time the less there is of it. What tells a live
// backend from a dead one stays.
func (l Limits) at(level overload.Level) Limits {
	if level == overload.Normal {
		return l
	}
	patience := level.Patience()
	l.Idle, l.PoolIdle, l.Leaving = min(l.Idle, time.Second), min(l.PoolIdle, time.Second), min(l.Leaving, time.Second)
	l.Head, l.Body, l.Stall = min(l.Head, patience), min(l.Body, patience), min(l.Stall, patience)
	return l
}

// The bounds of what a connection keeps in memory. A read is 64 KiB at most, 16
// KiB of TLS or by goroutines, and 4 KiB under overload; nobody reads for a side
// that has something unsent, so what is unsent is about one read.
//
//	what                                      at most
//	http1Client.kept, of a head or sent ahead h1.MaxHead, or maxKept, and a read
//	exchange.buf, head, and body for retries  twice h1.MaxHead, and maxReplay or a read
//	  before there is an answer
//	exchange.buf, while a body is shown       proxyconfig.MaxAuthBodyBytes and a read,
//	  to an authorization server              and once more in the question
//	authorization, of its answer              extauth.MaxAnswer, and h1.MaxHead
//	http1Backend.partial, of a head           h1.MaxHead and a read
//	http2Stream.out, of HTTP/1 backends       maxHeld for all of a client's streams, and leastHeld for each
//	http2Stream.out, of HTTP/2 backends       a stream's window of 64 KiB, and the
//	                                          backend's connection's window of 1 MiB
//	http2Call.out                             a read, or a stream's window of 64 KiB
//	http2Stream.early, of a tunnel to be      a stream's window of 64 KiB
//	streams of a client's connection          100 that are open, twice that in all
//	h2: frames to send                        64 KiB, and 1000 answers to its peer
//	h2: input                                 a frame of 16 KiB, a header block of 64 KiB
//	epoll and netdriver: unsent               a read and a head, and h2's frames
//	epoll: bodies that are passed on          256 KiB in the kernel, for 128 of a loop
//	tlsconn: input, output                    64 KiB, and what is unsent with answers of 4 KiB
//	TLS handshakes                            overload.Limits.Handshakes, and 10 seconds; 16 or
//	                                          4 KiB of input each under overload
//	l4: a tunnel's direction, a session       16 KiB, 64 KiB; none while idle; 4 KiB of a
//	                                          tunnel under overload, and a pipe for 256 of all
//	what precedes a hello or PROXY header     64 KiB, for a quarter of the handshakes; 16 or 4
//	                                          KiB under overload
//
// Free lists of buffers are bounded per loop, and given up under overload.
const (
	// maxKept bounds the input that is kept for later, beyond which a driver
	// is not asked to read.
	maxKept = 16 << 10
	// maxHeld bounds what the streams of a client's connection hold of their
	// responses before each is read in small pieces, of leastHeld, alone.
	maxHeld   = 1 << 20
	leastHeld = 4 << 10
	// maxInterim bounds the interim responses to one request.
	maxInterim = 32
	// maxConnects is the number of endpoints that are tried for one request.
	maxConnects = 3
	// maxRepeats is how often a request is sent again after its connection was
	// closed without an answer: once for an idle one, once for a new one.
	maxRepeats = 2
	// maxRequestID is the length of the longest request identifier that is
	// taken over from a client.
	maxRequestID = 128
)
