package forward

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/test/protocol/message"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
	"github.com/fleetgate/fleetgate/test/protocol/vector"
)

// checkStreams returns what of I1, I3 and I4 the backend's record breaks, and
// the requests that it has.
func checkStreams(streams []*recorder.Stream) (requests []*message.Request, problems []error) {
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

// checkFields is I4 for one request, past what the strict reader has refused
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

// checkWanted compares what came with what the vector says.
func checkWanted(v vector.Vector, got []*message.Request) (problems []error) {
	var have, want []string
	for _, r := range got {
		have = append(have, r.String())
		problems = append(problems, checkNames(v, r)...)
	}
	for _, r := range v.Want {
		want = append(want, (&message.Request{Method: r.Method, Target: r.Target, Host: r.Host, Body: r.Body}).String())
	}
	if !slices.Equal(have, want) {
		problems = append(problems, fmt.Errorf("the backend got %q, want %q", have, want))
	}
	return problems
}

func checkNames(v vector.Vector, r *message.Request) (problems []error) {
	count := map[string]int{}
	for _, f := range r.Fields {
		count[strings.ToLower(f.Name)]++
		count["line "+f.Name+": "+f.Value]++
	}
	for _, f := range r.Trailer {
		count["trailer "+strings.ToLower(f.Name)]++
		count["line "+f.Name+": "+f.Value]++
	}
	for _, name := range v.Gone {
		if count[name] != 0 {
			problems = append(problems, fmt.Errorf("the backend got %s", name))
		}
	}
	for _, line := range v.Kept {
		if n := count["line "+line]; n != 1 {
			problems = append(problems, fmt.Errorf("the backend got %d lines %q", n, line))
		}
	}
	return problems
}

// checkAnswers is I2, and I3 on the client's side. After a refusal only the
// refusal follows.
func checkAnswers(v vector.Vector, out []byte) (problems []error) {
	got, rest := answers(out, v.Want)
	if v.Verdict == vector.Break {
		// Nothing, a beginning or an error: what matters is what comes after it.
		got, rest = got[:min(len(got), len(v.Want))], nil
	}
	refusals := 0
	if v.Verdict == vector.Refuse {
		refusals = 1
	}
	if len(got) != len(v.Want)+refusals || len(rest) > 0 {
		return append(problems, fmt.Errorf("I2: %d answers, want %d: %.300q", len(got), len(v.Want)+refusals, out))
	}
	for i, want := range v.Want {
		if err := checkEcho(got[i], want); err != nil {
			problems = append(problems, fmt.Errorf("I2: answer %d: %w", i+1, err))
		}
	}
	if refusals > 0 {
		last := got[len(got)-1]
		if last.status < 400 || last.status > 505 || !last.close {
			problems = append(problems, fmt.Errorf("I3: refused by %+v", last))
		}
	}
	return problems
}

func checkEcho(got answer, want vector.Request) error {
	if got.status != 200 {
		return fmt.Errorf("%+v", got)
	}
	if want.Method == "HEAD" {
		return nil
	}
	text := recorder.Echo(&message.Request{Method: want.Method, Target: want.Target, Host: want.Host, Body: want.Body}).Bytes
	if _, body, _ := bytes.Cut(text, []byte("\r\n\r\n")); got.body != string(body) {
		return fmt.Errorf("got %.200q, want %.200q", got.body, body)
	}
	return nil
}
