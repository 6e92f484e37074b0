package listener

import (
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
)

// newFastest returns nil: goroutines drive everything here.
func newFastest(*Set, []*exchange.Loop, time.Time) (driver, error) { return nil, nil }
