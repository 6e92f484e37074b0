package main

import (
	"os"
	"runtime/debug"

	"github.com/fleetgate/fleetgate/proxy/internal/heap"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// tuneMemory sets what the environment (GOGC, GOMEMLIMIT) does not.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		heap.Pace()
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if container := overload.FindContainer(); container != nil {
		// A tenth is left for what the runtime does not count.
		debug.SetMemoryLimit(container.Limit() / 10 * 9)
	}
}
