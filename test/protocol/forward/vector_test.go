package forward

import (
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/edge"
	"github.com/fleetgate/fleetgate/test/protocol/invariant"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
	"github.com/fleetgate/fleetgate/test/protocol/vector"
)

func TestMain(m *testing.M) { edge.Main(m) }

// smuggled follows what must be refused: whoever reads on sees it.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"

// marked has what must be refused followed by a request that nobody may get.
func marked(v vector.Vector) vector.Vector {
	if v.Verdict == vector.Refuse || v.Verdict == vector.Drop {
		v.In += smuggled
	}
	return v
}

func TestVectors(t *testing.T) {
	b := recorder.Start(t, recorder.Echo)
	p := edge.Start(t, edge.Options{Config: edge.To(b.Addr())})
	all := vector.All()
	for _, v := range all {
		v = marked(v)
		out, err := exchange(p.Addr("http"), v)
		requests, problems := invariant.Check(b.Take())
		if err != nil {
			problems = append(problems, err)
		}
		problems = append(problems, checkWanted(v, requests)...)
		problems = append(problems, checkAnswers(v, out, checkEcho)...)
		for _, problem := range problems {
			t.Errorf("%s: %.500v", v.Name, problem)
		}
	}
	t.Logf("%d vectors", len(all))
}
