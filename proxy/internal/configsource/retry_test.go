package configsource

import (
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// What could not be started is tried again until it could, and not after that.
func TestRunStartsTheRest(t *testing.T) {
	tries := make(chan bool)
	c := New(Options{
		GatewayUID: ownUID, Registry: balance.NewRegistry(balance.Options{}), Retry: time.Millisecond, Now: time.Now, Log: logr.Discard(),
		Apply: func(*snapshot.Snapshot) []proxyconfig.RefusedItem {
			if <-tries {
				return nil
			}
			return []proxyconfig.RefusedItem{{Kind: proxyconfig.KindListener, Name: "http", Reason: "port 80 is taken"}}
		},
	})
	observations := make(chan Observation)
	go c.Run(t.Context(), observations)
	of := divide(t, ownUID, 1, 1, nil)
	observations <- Observation{Source: Watch, Document: of.document, Part: of.reader(new([]string))}
	for _, starts := range []bool{false, false, true} {
		tries <- starts
	}
	select {
	case tries <- true:
		t.Error("what was started is started again")
	case <-time.After(50 * time.Millisecond):
	}
	if status := c.Status(); status.RefusedItems() != 0 || status.Snapshot == nil {
		t.Errorf("%d items are refused of %v", status.RefusedItems(), status.Snapshot)
	}
}
