package main

import (
	"os"
	"runtime/debug"

	"github.com/fleetgate/fleetgate/internal/heap"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// pace is lower than Go's default: requests allocate nothing, so that collecting more
// often costs little and keeps an idle proxy small. The headroom is many seconds of what
// handshakes allocate.
var pace = heap.Pace{MostPercent: 50, LeastPercent: 15, Headroom: 16 << 20}

// tuneMemory sets what the environment (GOGC, GOMEMLIMIT) does not.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		pace.Keep()
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if container := overload.FindContainer(); container != nil {
		// A tenth is left for what the runtime does not count.
		debug.SetMemoryLimit(container.Limit() / 10 * 9)
	}
}
