package heap

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// mostPercent is lower than Go's default: requests allocate nothing, so that
	// collecting more often costs little and keeps an idle proxy small.
	mostPercent = 50
	// leastPercent bounds how often a large heap is walked through.
	leastPercent = 15
	// headroom is what the heap may grow by between collections once it is large:
	// many seconds of what handshakes allocate.
	headroom = 16 << 20
	// large is the heap that is worth a collection of its own.
	large = 32 << 20
	// settling is the time from a configuration to that, in which others may come.
	settling = 3 * time.Second
)

// Pace has the collector begin when the heap has grown by half, or by headroom where
// that is less. It holds for the rest of the process: each collection sets the pace
// for the next one.
func Pace() {
	now := percent(measure(live))
	debug.SetGCPercent(now)
	follow(now)
}

// mark is what one collection finds unused, which tells that it has happened.
type mark struct{ _ [16]byte }

// follow leaves a pace that is right as it is: setting it stops the world.
func follow(pace int) {
	runtime.AddCleanup(&mark{}, func(before int) {
		now := percent(measure(live))
		if now != before {
			debug.SetGCPercent(now)
		}
		follow(now)
	}, pace)
}

// percent is the growth after which a heap of so many live bytes is collected.
func percent(live uint64) int {
	if live == 0 {
		return mostPercent
	}
	return int(min(mostPercent, max(leastPercent, headroom*100/live)))
}

// The runtime's own figures, in bytes: what the last collection found in use, that
// with what was allocated since, and what is free but not given back to the system.
const (
	live    = "/gc/heap/live:bytes"
	objects = "/memory/classes/heap/objects:bytes"
	free    = "/memory/classes/heap/free:bytes"
)

func measure(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// Release gives unused memory back some seconds after a signal on applied: a
// configuration that was read, and the one before it, leave as much garbage as they
// were large, which the collector would let lie until the heap has grown once more.
// It returns when the context ends.
func Release(ctx context.Context, applied <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-applied:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(settling):
		}
		if measure(objects)+measure(free) >= large {
			debug.FreeOSMemory()
		}
	}
}
