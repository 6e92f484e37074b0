package invariant

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/test/protocol/message"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
)

// Check returns the whole requests that the backend's record has, and what of I1,
// I3, I4 and I5 it breaks.
func Check(streams []*recorder.Stream) (requests []*message.Request, problems []error) {
	for _, s := range streams {
		whole := s.Bytes
		if s.Broken != nil {
			if !s.Ended {
				problems = append(problems, fmt.Errorf("I3: a broken connection is still open: %w: %q", s.Broken, s.Bytes))
			}
			if !errors.Is(s.Broken, message.ErrIncomplete) {
				problems = append(problems, fmt.Errorf("I1: %w: %q", s.Broken, s.Bytes))
				continue
			}
			whole = wholeRequests(s.Bytes)
		}
		got, err := message.ReadAll(whole)
		if err != nil {
			problems = append(problems, fmt.Errorf("I1: %w: %q", err, s.Bytes))
		}
		for _, r := range got {
			problems = append(problems, checkFields(r)...)
		}
		requests = append(requests, got...)
	}
	return requests, problems
}

// wholeRequests cuts off the request that ends early.
func wholeRequests(b []byte) []byte {
	at := 0
	for {
		_, n, err := message.Strict(b[at:])
		if err != nil {
			return b[:at]
		}
		at += n
	}
}

// hopByHop are fields that no request travels on with, but for TE and Upgrade
// with the Connection that names them.
var hopByHop = []string{"connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate", "upgrade", "http2-settings", "proxy"}

// headOnly are fields that say something about framing, routing or rights, and
// nothing where the body has been read (RFC 9110, section 6.5.1).
var headOnly = []string{"host", "content-length", "transfer-encoding", "authorization", "te", "trailer"}

// checkFields is I4 and I5 for one request, past what the strict reader has refused
// already.
func checkFields(r *message.Request) (problems []error) {
	for _, f := range r.Fields {
		name := strings.ToLower(f.Name)
		if slices.Contains(hopByHop, name) && !ofSender(r, name) {
			problems = append(problems, fmt.Errorf("I4: hop-by-hop field %q", f))
		}
		if name == "transfer-encoding" && f.Value != "chunked" {
			problems = append(problems, fmt.Errorf("I4: %q", f))
		}
		if name == "te" && f.Value != "trailers" {
			problems = append(problems, fmt.Errorf("I4: %q", f))
		}
	}
	for _, f := range r.Trailer {
		if name := strings.ToLower(f.Name); slices.Contains(hopByHop, name) || slices.Contains(headOnly, name) {
			problems = append(problems, fmt.Errorf("I4: trailer field %q", f))
		}
	}
	for _, name := range []string{"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"} {
		if n := len(r.Values(name)); n != 1 {
			problems = append(problems, fmt.Errorf("I5: %d fields %s", n, name))
		}
	}
	return problems
}

// ofSender reports whether a hop-by-hop field is the proxy's own: TE and Upgrade
// are, if Connection names them and nothing else (RFC 9110, sections 7.8 and
// 10.1.4).
func ofSender(r *message.Request, name string) bool {
	connection := r.Values("connection")
	if len(connection) != 1 || name != "connection" && name != "upgrade" {
		return false
	}
	return connection[0] == "TE" && len(r.Values("te")) == 1 ||
		connection[0] == "Upgrade" && len(r.Values("upgrade")) == 1
}
