package delivery_test

import (
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

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
