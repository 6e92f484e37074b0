package forward

import (
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/edge"
	"github.com/fleetgate/fleetgate/test/protocol/invariant"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
	"github.com/fleetgate/fleetgate/test/protocol/vector"
)

// FuzzInvariants sends anything to the proxy and holds what reaches the backend
// to I1 to I5. A client that ends its side at once may miss answers, and never
// gets more of them than the backend was asked for and a refusal.
func FuzzInvariants(f *testing.F) {
	for i, v := range vector.All() {
		// A few of each table; all are the business of TestVectors.
		if i%40 == 0 && len(v.In) < 1000 {
			f.Add(v.In)
		}
	}
	b := recorder.Start(f, recorder.Echo)
	p := edge.Start(f, edge.Options{Config: edge.To(b.Addr())})
	f.Fuzz(func(t *testing.T, in string) {
		out, err := exchange(p.Addr("http"), vector.Vector{In: in, Verdict: vector.Break})
		if err != nil {
			t.Error(err)
		}
		requests, problems := invariant.Check(b.Take())
		for _, problem := range problems {
			t.Error(problem)
		}
		var methods []vector.Request
		for _, r := range requests {
			methods = append(methods, vector.Request{Method: r.Method})
		}
		if got, _ := answers(out, methods); len(got) > len(requests)+1 {
			t.Errorf("%d answers to %d requests: %q", len(got), len(requests), out)
		}
	})
}
