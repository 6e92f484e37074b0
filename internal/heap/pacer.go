package heap

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// seldom is the time between two collections that costs next to nothing: what takes
	// longer to fill is not needed.
	seldom = 5 * time.Second
	// large is the heap that is worth a collection of its own.
	large = 16 << 20
	// settling is the time from a configuration to that, in which others may come.
	settling = 3 * time.Second
)

// Pace is what the heap may grow by between two collections.
type Pace struct {
	// MostPercent is that of a small heap, in percent of what is in use. LeastPercent bounds
	// how often a large one is walked through.
	MostPercent, LeastPercent int
	// Headroom is what is enough for a large heap, in bytes.
	Headroom uint64
}

// Keep has the collector begin when the heap has grown by so much, and sooner where
// little is allocated. It holds for the rest of the process: each collection sets the pace
// for the next one. It is to be called once.
func (p Pace) Keep() {
	now := p.percent(measure(live))
	debug.SetGCPercent(now)
	p.follow(now)
}

// mark is what one collection finds unused, which tells that it has happened.
type mark struct{ _ [16]byte }

// follow leaves a pace that is about right: setting it stops the world.
func (p Pace) follow(percent int) {
	since := time.Now()
	runtime.AddCleanup(&mark{}, func(before int) {
		now := p.next(before, time.Since(since), measure(live))
		if now != before {
			debug.SetGCPercent(now)
		}
		p.follow(now)
	}, percent)
}

// next is the pace after a collection that came some time after the one before: what
// grows within seldom at the rate of that time, in steps.
func (p Pace) next(before int, took time.Duration, live uint64) int {
	now := before
	switch {
	case took > 2*seldom:
		now = before / 2
	case took < seldom/2:
		now = before * 2
	}
	return min(max(now, p.LeastPercent), p.percent(live))
}

// percent is the growth after which a heap of so many live bytes is collected at the
// latest.
func (p Pace) percent(live uint64) int {
	if live == 0 {
		return p.MostPercent
	}
	return min(p.MostPercent, max(p.LeastPercent, int(p.Headroom*100/live)))
}

// The runtime's own figures, in bytes: what the last collection found in use, that
// with what was allocated since, what is free but not given back to the system, and what
// was ever allocated.
const (
	allocs  = "/gc/heap/allocs:bytes"
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
