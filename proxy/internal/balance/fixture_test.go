package balance

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// applyPolicy is apply with a policy.
func applyPolicy(t testing.TB, r *Registry, endpoints string, p *proxyconfig.Policy) *Cluster {
	t.Helper()
	b := backend("a", endpoints)
	b.Policy = p
	if err := proxyconfig.ValidatePolicy(p); err != nil {
		t.Fatal(err)
	}
	ch := r.Prepare([]*proxyconfig.Backend{b})
	ch.Commit()
	return ch.Cluster("a")
}

// addresses lists n addresses as backend wants them.
func addresses(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "10.0.%d.%d ", i/250, i%250+1)
	}
	return b.String()
}

// random is a generator whose numbers are the same in each run.
func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// shares counts what n requests at the time now choose.
func shares(t *testing.T, c *Cluster, now int64, n int) map[*Endpoint]int {
	t.Helper()
	rnd := random()
	counts := map[*Endpoint]int{}
	for range n {
		e, refusal := c.Choose(&Request{Now: now, Random: rnd.Uint64()})
		if e == nil {
			t.Fatalf("refused: %d", refusal)
		}
		counts[e]++
	}
	return counts
}
