package exchange

import (
	"strconv"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// isGRPC reports whether a content type is one of gRPC over HTTP/2.
func isGRPC(contentType []byte) bool {
	const grpc = "application/grpc"
	if len(contentType) < len(grpc) || !h1.EqualFold(contentType[:len(grpc)], grpc) {
		return false
	}
	rest := contentType[len(grpc):]
	return len(rest) == 0 || rest[0] == '+' || rest[0] == ';'
}

// grpcStatus is the gRPC status that stands for a status of HTTP, as the
// mapping in gRPC's documentation has it, but for what has taken too long: it is
// DEADLINE_EXCEEDED, since clients send again what is UNAVAILABLE, and a backend
// may have acted upon this. A rule or backend that is not valid is UNAVAILABLE
// (Gateway API, GRPCRouteRule), and so is all of 500. A head that is too large
// is INTERNAL, as clients say of one that they get themselves.
func grpcStatus(status int) string {
	switch status {
	case 400, 431:
		return "13" // INTERNAL
	case 401:
		return "16" // UNAUTHENTICATED
	case 403:
		return "7" // PERMISSION_DENIED
	case 404:
		return "12" // UNIMPLEMENTED
	case 504:
		return "4" // DEADLINE_EXCEEDED
	case 429, 500, 502, 503:
		return "14" // UNAVAILABLE
	}
	return "2" // UNKNOWN
}

// noteTrailer remembers the status that a call has ended with.
func (x *exchange) noteTrailer(trailer []byte) {
	for name, value := range h1.TrailerFields(trailer) {
		if h1.EqualFold(name, "grpc-status") {
			x.noteGRPC(value)
			return
		}
	}
}

// noteGRPC remembers a status, which is UNKNOWN if it is none of gRPC's.
func (x *exchange) noteGRPC(value []byte) {
	const unknown, last = 2, 16
	code, err := strconv.ParseUint(string(value), 10, 8)
	if err != nil || code > last {
		code = unknown
	}
	x.grpc = uint8(code) + 1
}

// grpcDeadline is the instant that a request's grpc-timeout ends at, or zero:
// at most eight digits and a unit (gRPC over HTTP/2).
func grpcDeadline(r *h1.Request, start int64) int64 {
	v, ok := r.Value("grpc-timeout")
	if !ok || len(v) < 2 || len(v) > 9 {
		return 0
	}
	n, err := strconv.ParseUint(string(v[:len(v)-1]), 10, 32)
	if err != nil {
		return 0
	}
	unit := grpcUnit(v[len(v)-1])
	if unit == 0 {
		return 0
	}
	return start + min(int64(n), int64(maxDeadline/unit))*int64(unit)
}

// maxDeadline bounds what a client may ask for, so that instants do not
// overflow.
const maxDeadline = 365 * 24 * time.Hour

func grpcUnit(c byte) time.Duration {
	switch c {
	case 'H':
		return time.Hour
	case 'M':
		return time.Minute
	case 'S':
		return time.Second
	case 'm':
		return time.Millisecond
	case 'u':
		return time.Microsecond
	case 'n':
		return time.Nanosecond
	}
	return 0
}
