package heap

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Pace is what the heap may grow by between two collections.
type Pace struct {
	// MostPercent is that of a small heap, in percent of what is in use. LeastPercent bounds
	// how often a large one is walked through.
	MostPercent, LeastPercent int
	// Headroom is what is enough for a large heap, in bytes.
	Headroom uint64
	// Burst is how large the heap may become, in bytes, while so much is allocated that the
	// rest of the pace has it collected all the time. Zero is no larger than at other times.
	Burst uint64
	// Seldom is the time between two collections that costs next to nothing: what takes
	// more than twice as long to fill is not needed.
	Seldom time.Duration
}

// Keep has the collector begin when the heap has grown by so much, and sooner where
// little is allocated. It holds for the rest of the process: each collection sets the pace
// for the next one. It is to be called once.
func (p Pace) Keep() {
	k := &keeper{Pace: p, now: p.percent(measure(live))}
	debug.SetGCPercent(k.now)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.follow()
}

// next is the pace after a collection that came some time after the one before, with so
// many bytes allocated between them: what grows within Seldom at the rate of that time, in
// steps, or in a burst what there is room for.
func (p Pace) next(before int, took time.Duration, allocated, live uint64) int {
	if room := p.burst(live); room > 0 && p.hurried(took, allocated, live) {
		return max(p.percent(live), room)
	}
	now := before
	switch {
	case took > 2*p.Seldom:
		now = before / 2
	case took < p.Seldom/2:
		now = before * 2
	}
	return min(max(now, p.LeastPercent), p.percent(live))
}

// burst is the growth that there is room for in a burst. A small heap stays one: it costs
// little to walk through, and what is left in use of a large one lies scattered, so that
// little of it can be given back.
func (p Pace) burst(live uint64) int {
	if live == 0 || live >= p.Burst {
		return 0
	}
	return min(2*p.MostPercent, int((p.Burst-live)*100/live))
}

// hurried says whether the pace without a burst has the heap collected more often than
// next would slow down for, with so many bytes allocated in some time.
func (p Pace) hurried(took time.Duration, allocated, live uint64) bool {
	growth := float64(live) * float64(p.percent(live)) / 100
	return float64(allocated)*(2*p.Seldom).Seconds() > growth*took.Seconds()
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
