package delivery_test

import (
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// What is put beside large parts is more than beside small ones, so that a change costs
// the encoding of a part the more seldom.
func TestLargePartsAreEncodedMoreSeldom(t *testing.T) {
	const more = 200
	encoded := func(n int) (parts int) {
		w, all := newWorld(t), routes(n+more)
		put := func(n int) int {
			return w.put(&proxyconfig.Config{Listeners: all.Listeners, Routes: all.Routes[:n:n]}).Encoded
		}
		put(n)
		for i := range more {
			parts += put(n + i + 1)
		}
		return parts
	}
	few, many := encoded(1000), encoded(24000)
	t.Logf("%d new routes have %d parts encoded among 1000, and %d among 24000", more, few, many)
	if many == 0 || many > few*2/3 {
		t.Errorf("%d new routes have %d parts encoded among 1000, and %d among 24000", more, few, many)
	}
}

// A burst is stored in parts: the index stays small.
func TestBurstGoesIntoParts(t *testing.T) {
	w := newWorld(t)
	w.put(routes(500))
	if result := w.put(routes(1000)); result.Parts < proxyconfig.RouteParts {
		t.Errorf("got %+v", result)
	}
	if _, index := w.stored(); len(index.Routes) != 0 || len(index.Superseded) != 0 {
		t.Errorf("the index has %d routes and supersedes %v", len(index.Routes), index.Superseded)
	}
}
