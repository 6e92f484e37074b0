package main

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
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
	if limit := containerMemory(); limit > 0 {
		// A tenth is left for what the runtime does not count.
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}

// containerMemory is the memory limit of the container's cgroup, or zero when
// there is none.
func containerMemory() int64 {
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		limit, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
		// Version 1 says "none" with a number near the greatest one.
		if err == nil && limit < math.MaxInt64/2 {
			return limit
		}
	}
	return 0
}
