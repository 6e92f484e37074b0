package overload

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// collectEvery is how often garbage may be collected to see what is none.
const collectEvery = time.Second

// memory measures how much of what it may have the process uses. It is not safe
// for concurrent use.
type memory struct {
	// limit is the runtime's, container nil where there is no other.
	limit     int64
	container *Container
	samples   []metrics.Sample
	collect   func()
	collected time.Duration
}

func newMemory(c *Container) *memory {
	m := &memory{limit: debug.SetMemoryLimit(-1), container: c, collect: runtime.GC, collected: -collectEvery}
	for _, name := range []string{
		"/memory/classes/total:bytes", "/memory/classes/heap/released:bytes", "/memory/classes/heap/free:bytes",
	} {
		m.samples = append(m.samples, metrics.Sample{Name: name})
	}
	return m
}

// pressure returns the used part, of whichever limit is nearer. What it takes
// for overload is none of it garbage, unless that was collected just before.
func (m *memory) pressure(now time.Duration) float64 {
	p := m.read()
	if p < stopKeepAliveAt-calmBelow || now-m.collected < collectEvery {
		return p
	}
	m.collect()
	m.collected = now
	if m.container != nil {
		m.container.lookAtFiles()
	}
	return m.read()
}

// read returns the same with what is garbage.
func (m *memory) read() float64 {
	metrics.Read(m.samples)
	total, released, free := m.value(0), m.value(1), m.value(2)
	var p float64
	if m.limit < math.MaxInt64 {
		p = float64(total-released-free) / float64(m.limit)
	}
	if c := m.container; c != nil {
		// What the runtime holds in reserve it gives back before it needs more.
		p = max(p, float64(c.used()-free)/float64(c.limit))
	}
	return p
}

func (m *memory) value(i int) int64 { return int64(m.samples[i].Value.Uint64()) }
