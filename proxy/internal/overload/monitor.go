package overload

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

// interval is how often the signals are looked at, and idleInterval how often while there
// is nothing to do: each look wakes a process that would sleep, which costs it more than
// the look does. What begins meanwhile is judged later by no more than that.
const interval, idleInterval = 100 * time.Millisecond, 500 * time.Millisecond

// idleBelow is the pressure of memory below which the process may be idle.
const idleBelow = stopKeepAliveAt - 2*calmBelow

// glancesLeft is how many glances a driver takes, at the least, while the room
// fills up.
const glancesLeft = 16

// Options of a Monitor.
type Options struct {
	Gate *Gate
	// Queues are those of the drivers.
	Queues []Queue
	Log    logr.Logger
}

// Monitor sets the Level of a Gate.
type Monitor struct {
	opts   Options
	judge  judge
	clock  func() time.Duration
	memory func(now time.Duration) float64
	delay  *delay
	// glancing is held by who reads quick.
	glancing sync.Mutex
	quick    func() (pressure float64, room int64)
	// alarm has the next look come at once.
	alarm chan struct{}
}

// NewMonitor returns a Monitor of the process. The limits of memory are those in
// force now.
func NewMonitor(o Options) *Monitor {
	epoch := time.Now()
	clock := func() time.Duration { return time.Since(epoch) }
	container, limit := FindContainer(), limitNow()
	return &Monitor{
		opts: o, clock: clock, delay: newDelay(o.Queues, clock),
		memory: newMemory(container, limit).pressure, quick: newMemory(container, limit).quick,
		alarm: make(chan struct{}, 1),
	}
}

// Run follows the signals until ctx ends.
func (m *Monitor) Run(ctx context.Context) {
	glance := m.glance
	m.opts.Gate.glance.Store(&glance)
	defer m.opts.Gate.glance.Store(nil)
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-m.alarm:
		case <-ctx.Done():
			return
		}
		timer.Reset(m.look())
	}
}

// glance raises the level, for the time being, if memory as it is asks for that.
// The look that follows finds out how much of it is garbage. It returns after how
// many bytes to look again: a small part of the room that is left, as what is
// kept of a byte can take several, with what growing buffers leave behind.
func (m *Monitor) glance() (next int) {
	if !m.glancing.TryLock() {
		return leastGlance
	}
	defer m.glancing.Unlock()
	pressure, room := m.quick()
	if level := levelOf(pressure, 0); level > m.opts.Gate.Level() {
		m.opts.Gate.Set(level)
		select {
		case m.alarm <- struct{}{}:
		default:
		}
	}
	return int(max(room/int64(glancesLeft*max(len(m.opts.Queues), 1)), leastGlance))
}

// look takes one sample of each signal, and returns the time until the next look.
func (m *Monitor) look() (next time.Duration) {
	before := m.judge.level
	memory, delay := m.memory(m.clock()), m.delay.measure()
	level := m.judge.decide(m.clock(), memory, delay)
	m.opts.Gate.Set(level)
	if level != before {
		m.opts.Log.Info("Overload level", "level", int(level), "before", int(before), "memory", memory, "delay", delay.String())
	}
	if level == Normal && memory < idleBelow && !m.delay.waits() {
		return idleInterval
	}
	return interval
}
