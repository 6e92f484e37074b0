package overload

import (
	"context"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

// bench is a Monitor with a clock, a memory and a queue of the test's own.
type bench struct {
	*Monitor
	now    time.Duration
	used   float64
	queued []func()
}

func newBench() *bench {
	b := &bench{}
	clock := func() time.Duration { return b.now }
	b.Monitor = &Monitor{
		opts: Options{Gate: NewGate(Limits{}), Log: logr.Discard()}, clock: clock,
		memory: func(time.Duration) float64 { return b.used }, quick: func() (float64, int64) { return b.used, 64 << 20 },
		alarm: make(chan struct{}, 1),
		delay: newDelay([]Queue{func(f func()) { b.queued = append(b.queued, f) }}, clock),
	}
	return b
}

// serve lets time pass, in which the queue moves or stands.
func (b *bench) serve(d time.Duration, moves bool) {
	for range d / interval {
		b.now += interval
		for len(b.queued) > 0 && moves {
			b.queued[0]()
			b.queued = b.queued[1:]
		}
		b.look()
	}
}

func TestAQueueThatStandsIsOverload(t *testing.T) {
	b := newBench()
	b.serve(10*time.Second, true)
	if got := b.opts.Gate.Level(); got != Normal {
		t.Fatalf("a queue that moves: level %d", got)
	}
	// A pause of a second and a half fills no window.
	b.serve(1500*time.Millisecond, false)
	b.serve(10*time.Second, true)
	if got := b.opts.Gate.Level(); got != Normal {
		t.Fatalf("a pause: level %d", got)
	}
	b.serve(3500*time.Millisecond, false)
	if got := b.opts.Gate.Level(); got != StopKeepAlive {
		t.Errorf("standing for three seconds: level %d", got)
	}
	b.serve(3*time.Second, false)
	if got := b.opts.Gate.Level(); got != ShedRequests {
		t.Errorf("standing for six seconds: level %d", got)
	}
	b.serve(10*time.Second, true)
	if got := b.opts.Gate.Level(); got != Normal {
		t.Errorf("moving again: level %d", got)
	}
}

func TestMemoryIsOverloadAtOnce(t *testing.T) {
	b := newBench()
	b.used = 0.95
	b.serve(interval, true)
	if got := b.opts.Gate.Level(); got != RefuseConnections {
		t.Errorf("level %d", got)
	}
	b.used = 0.3
	b.serve(7*time.Second, true)
	if got := b.opts.Gate.Level(); got != Normal {
		t.Errorf("after it was freed: level %d", got)
	}
}

// Who fills the memory looks at it, and does not wait for the monitor.
func TestGlance(t *testing.T) {
	b := newBench()
	b.used = 0.85
	if got := b.glance(); got != 4<<20 {
		t.Errorf("the next glance after %d bytes", got)
	}
	if got := b.opts.Gate.Level(); got != ShedRequests {
		t.Errorf("level %d", got)
	}
	if len(b.alarm) != 1 {
		t.Error("the monitor was not woken")
	}
	// It was garbage.
	b.used = 0.5
	b.glance()
	b.look()
	if got := b.opts.Gate.Level(); got != Normal {
		t.Errorf("after the collection: level %d", got)
	}
}

// What is garbage is collected before it counts, and not time and again.
func TestGarbageIsNoPressure(t *testing.T) {
	m := newMemory(nil, limitNow())
	collections := 0
	m.limit.Store(1)
	m.collect = func() { collections++; m.limit.Store(1 << 50) }
	if got := m.pressure(0); got > 0.1 || collections != 1 {
		t.Errorf("got %v after %d collections", got, collections)
	}
	m.limit.Store(1)
	for now := time.Duration(0); now < collectEvery; now += interval {
		if got := m.pressure(now); got < 1 {
			t.Errorf("at %v: got %v", now, got)
		}
	}
	if collections != 1 {
		t.Errorf("%d collections within a second", collections)
	}
	if got := m.pressure(collectEvery); got > 0.1 || collections != 2 {
		t.Errorf("got %v after %d collections", got, collections)
	}
}

// A process that has nothing to do is not woken as often as one that has, and each sign of
// work or want of memory has the next look come soon.
func TestIdleProcessesAreLeftAsleep(t *testing.T) {
	b := newBench()
	if got := b.look(); got != interval {
		t.Errorf("with something in the queue the next look comes after %v", got)
	}
	asleep := func(f func()) { f() }
	b.delay = newDelay([]Queue{asleep}, b.clock)
	if got := b.look(); got != idleInterval {
		t.Errorf("with all asleep the next look comes after %v", got)
	}
	b.used = idleBelow
	if got := b.look(); got != interval {
		t.Errorf("with little memory left the next look comes after %v", got)
	}
	b.used = 0.95
	b.look()
	b.used = 0.3
	if got := b.look(); got != interval || b.opts.Gate.Level() == Normal {
		t.Errorf("at level %d the next look comes after %v", b.opts.Gate.Level(), got)
	}
}

func TestMonitorEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*interval)
	defer cancel()
	gate := NewGate(Limits{})
	NewMonitor(Options{Gate: gate, Queues: []Queue{func(f func()) { f() }}, Log: logr.Discard()}).Run(ctx)
	if ctx.Err() == nil {
		t.Error("Run returned before its context ended")
	}
}

func BenchmarkGlance(b *testing.B) {
	m := NewMonitor(Options{Gate: NewGate(Limits{}), Log: logr.Discard()})
	b.ReportAllocs()
	for b.Loop() {
		m.glance()
	}
}
