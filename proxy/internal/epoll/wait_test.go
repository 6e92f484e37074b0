//go:build linux

package epoll

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

func newTestLoop(t *testing.T) *loop {
	gate := overload.NewGate(overload.Limits{})
	state := exchange.NewLoop(exchange.Options{Gate: gate})
	l, err := newLoop(state, Options{Loops: []*exchange.Loop{state}, Gate: gate})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.closeAll)
	return l
}

// A connection that has had its share is not registered for what it has left in
// the kernel: nothing else would wake the loop for it. A handshake's end and a tick
// tire connections, too, after those of the batch have been gone on with.
func TestTiredConnectionsAreNotWaitedFor(t *testing.T) {
	l := newTestLoop(t)
	l.connections, l.nextSweep = 1, int64(time.Hour)
	if got := l.timeout(); got == 0 {
		t.Fatal("a loop with nothing to do does not wait")
	}
	s := &socket{loop: l, connection: true, fd: -1}
	l.tire(s)
	if got := l.timeout(); got != 0 {
		t.Errorf("the loop waits for %d ms", got)
	}
	l.resumeAll()
	if len(l.tired) != 0 || len(l.resume) != 1 || l.timeout() != 0 {
		t.Errorf("%d are tired, %d go on with the next batch", len(l.tired), len(l.resume))
	}
	l.tire(s)
	if len(l.tired) != 0 {
		t.Error("it is queued twice")
	}
	s.dead = true
	l.resumeAll()
	if got := l.timeout(); got == 0 {
		t.Error("a loop with a dead connection does not wait")
	}
}

// Who asks how long things wait in a loop must not wake one that sleeps: an idle proxy
// would do little else.
func TestASleepingLoopIsNotAskedHowLongThingsWait(t *testing.T) {
	gate := overload.NewGate(overload.Limits{})
	state := exchange.NewLoop(exchange.Options{Gate: gate, Snapshot: new(atomic.Pointer[snapshot.Snapshot])})
	e, err := New(Options{Loops: []*exchange.Loop{state}, Gate: gate})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	l, queue := e.loops[0], e.Queues()[0]
	for !l.asleep.Load() {
		runtime.Gosched()
	}
	answered := false
	queue(func() { answered = true })
	if !answered || !l.asleep.Load() {
		t.Errorf("the question is answered: %t, the loop sleeps: %t, want both", answered, l.asleep.Load())
	}

	busy, release, behind := make(chan struct{}), make(chan struct{}), make(chan struct{})
	l.post(func() {
		close(busy)
		<-release
	})
	<-busy
	queue(func() { close(behind) })
	select {
	case <-behind:
		t.Error("a busy loop's queue is passed by")
	default:
	}
	close(release)
	<-behind
}
