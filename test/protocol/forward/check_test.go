package forward

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/test/protocol/message"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
	"github.com/fleetgate/fleetgate/test/protocol/vector"
)

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
// refusal follows, and after what is dropped nothing. same says why an answer does not belong to a request.
func checkAnswers(v vector.Vector, out []byte, same func(answer, vector.Request) error) (problems []error) {
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
		if err := same(got[i], want); err != nil {
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
