package heap

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 50, 1 << 20: 50, 32 << 20: 50, 64 << 20: 25, 80 << 20: 20, 1 << 30: 15} {
		if got := percent(live); got != want {
			t.Errorf("percent(%d MiB) = %d, want %d", live>>20, got, want)
		}
	}
}

// The pace follows the heap by itself, up and down.
func TestPaceFollowsTheHeap(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	Pace()
	sink = make([]byte, 200<<20)
	eventually(t, "is 15 with much in use", func() bool { return settled() == 15 })
	runtime.KeepAlive(sink)
	sink = nil
	eventually(t, "is 50 with little in use", func() bool { return settled() == 50 })
}

// settled is the pace some time after a collection.
func settled() int {
	runtime.GC()
	time.Sleep(10 * time.Millisecond)
	now := debug.SetGCPercent(100)
	debug.SetGCPercent(now)
	return now
}

func TestReleaseGivesGarbageBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	applied, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		Release(ctx, applied)
		close(done)
	}()
	sink = make([]byte, 64<<20)
	for i := range sink {
		sink[i] = 1
	}
	sink = nil
	applied <- struct{}{}
	eventually(t, "gave it back", func() bool { return measure(free)+measure(objects) < large })
	cancel()
	<-done
}

var sink []byte

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
