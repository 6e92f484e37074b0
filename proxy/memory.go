package main

import (
	"os"
	"runtime/debug"
	"time"

	"github.com/fleetgate/fleetgate/internal/heap"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// pace is lower than Go's default: requests allocate nothing, so that collecting more
// often costs little and keeps an idle proxy small. The headroom is many seconds of what
// handshakes allocate. A collection of a heap with 5,000 routes takes 25 ms of CPU, which
// among changes would be most of what the proxy does if it came every few seconds.
var pace = heap.Pace{MostPercent: 50, LeastPercent: 15, Headroom: 16 << 20, Seldom: 30 * time.Second}

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
