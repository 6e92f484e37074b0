package overload

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// collectEvery is how often garbage may be collected to see what is none.
const collectEvery = time.Second

// fitEvery is the part of the container's limit by which the runtime's has to be
// off to be set anew.
const fitEvery = 64

// memory measures how much of what it may have the process uses. It is not safe
// for concurrent use.
type memory struct {
	// limit is the runtime's, which several share; container is nil where there
	// is no other.
	limit     *atomic.Int64
	container *Container
	samples   []metrics.Sample
	collect   func()
	collected time.Duration
}

func limitNow() *atomic.Int64 {
	limit := new(atomic.Int64)
	limit.Store(debug.SetMemoryLimit(-1))
	return limit
}

// memoryLimit is the least of what bounds the memory of the process.
func memoryLimit(c *Container) int64 {
	limit := debug.SetMemoryLimit(-1)
	if c != nil {
		limit = min(limit, c.limit)
	}
	return limit
}

func newMemory(c *Container, limit *atomic.Int64) *memory {
	m := &memory{limit: limit, container: c, collect: runtime.GC, collected: -collectEvery}
	for _, name := range []string{
		"/memory/classes/total:bytes", "/memory/classes/heap/released:bytes", "/memory/classes/heap/free:bytes",
	} {
		m.samples = append(m.samples, metrics.Sample{Name: name})
	}
	return m
}

// quick returns the same as read, and how many bytes are left before the first
// step.
func (m *memory) quick() (pressure float64, room int64) {
	pressure = m.read()
	least := m.limit.Load()
	if m.container != nil {
		least = min(least, m.container.bound())
	}
	return pressure, int64((stopKeepAliveAt - pressure) * float64(least))
}

// fit has the runtime leave to the kernel what that uses on the process's
// behalf: sockets and page tables count against the container's limit, too, and
// the runtime knows nothing of them. A limit that was set by hand stays.
func (m *memory) fit() {
	c := m.container
	if c == nil || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit := runtimeLimit(c.bound(), c.used()-(m.value(0)-m.value(1))); abs(limit-m.limit.Load()) > c.limit/fitEvery {
		debug.SetMemoryLimit(limit)
		m.limit.Store(limit)
	}
}

// runtimeLimit is what the runtime may have of a container's memory, of which
// others use a part.
func runtimeLimit(container, others int64) int64 {
	return max(container/100*95-max(others, container/20), container/2)
}

func abs(n int64) int64 { return max(n, -n) }

// pressure returns the used part, of whichever limit is nearer. What it takes
// for overload is none of it garbage, unless that was collected just before.
func (m *memory) pressure(now time.Duration) float64 {
	p := m.read()
	m.fit()
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
	if limit := m.limit.Load(); limit < math.MaxInt64 {
		p = float64(total-released-free) / float64(limit)
	}
	if c := m.container; c != nil {
		// What the runtime holds in reserve it gives back before it needs more.
		p = max(p, float64(c.used()-free)/float64(c.bound()))
	}
	return p
}

func (m *memory) value(i int) int64 { return int64(m.samples[i].Value.Uint64()) }
