package main

import (
	"os"
	"runtime/debug"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// gcPercent is lower than Go's default: requests allocate nothing, so that
// collecting more often costs little and keeps an idle proxy small.
const gcPercent = 50

// tuneMemory sets what the environment (GOGC, GOMEMLIMIT) does not.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if container := overload.FindContainer(); container != nil {
		// A tenth is left for what the runtime does not count.
		debug.SetMemoryLimit(container.Limit() / 10 * 9)
	}
}
