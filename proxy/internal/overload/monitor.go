package overload

import (
	"context"
	"time"

	"github.com/go-logr/logr"
)

// interval is how often the signals are looked at.
const interval = 100 * time.Millisecond

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
}

// NewMonitor returns a Monitor of the process. The limits of memory are those in
// force now.
func NewMonitor(o Options) *Monitor {
	epoch := time.Now()
	clock := func() time.Duration { return time.Since(epoch) }
	return &Monitor{opts: o, clock: clock, memory: newMemory().pressure, delay: newDelay(o.Queues, clock)}
}

// Run follows the signals until ctx ends.
func (m *Monitor) Run(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.look()
		case <-ctx.Done():
			return
		}
	}
}

// look takes one sample of each signal.
func (m *Monitor) look() {
	before := m.judge.level
	memory, delay := m.memory(m.clock()), m.delay.measure()
	level := m.judge.decide(m.clock(), memory, delay)
	if level == before {
		return
	}
	m.opts.Gate.Set(level)
	m.opts.Log.Info("Overload level", "level", int(level), "before", int(before), "memory", memory, "delay", delay.String())
}
