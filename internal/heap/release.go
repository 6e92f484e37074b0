package heap

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// large is the heap that is worth a collection of its own.
	large = 16 << 20
	// settling is the time from a configuration to that, in which others may come.
	settling = 3 * time.Second
)

// Release gives unused memory back some seconds after a signal on applied, where that is
// worth a collection: a configuration that was read, and the one before it, leave as
// much garbage as they were large, which the collector would let lie until the heap has
// grown once more. What changes of it leave one by one is not worth it until it is as
// much as there is. It returns when the context ends.
func Release(ctx context.Context, applied <-chan struct{}) {
	released := uint64(0)
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
		allocated := measure(allocs)
		if worthwhile(measure(objects)+measure(free), allocated-released) {
			debug.FreeOSMemory()
			released = allocated
		}
	}
}

// worthwhile says whether a collection may find much, given what is held, and what was
// allocated since the one before.
func worthwhile(held, allocated uint64) bool { return held >= large && allocated >= held }
