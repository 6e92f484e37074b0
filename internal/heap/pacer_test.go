package heap

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

var pace = Pace{MostPercent: 50, LeastPercent: 15, Headroom: 16 << 20}

func TestPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 50, 1 << 20: 50, 32 << 20: 50, 64 << 20: 25, 80 << 20: 20, 1 << 30: 15} {
		if got := pace.percent(live); got != want {
			t.Errorf("percent(%d MiB) = %d, want %d", live>>20, got, want)
		}
	}
}

// The pace follows the heap by itself, up and down.
func TestPaceFollowsTheHeap(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	pace.Keep()
	sink = make([]byte, 200<<20)
	eventually(t, "is 15 with much in use", func() bool { return settled() == 15 })
	runtime.KeepAlive(sink)
	sink = nil
	// Collections that follow on each other let the heap grow by what it may.
	eventually(t, "is 50 with little in use", func() bool { return settled() == 50 })
}

func TestPaceFollowsWhatIsAllocated(t *testing.T) {
	for _, test := range []struct {
		before int
		took   time.Duration
		live   uint64
		want   int
	}{
		{50, time.Minute, 20 << 20, 25}, {25, time.Minute, 20 << 20, 15}, {15, time.Minute, 20 << 20, 15},
		{15, 4 * time.Second, 20 << 20, 15}, {30, 4 * time.Second, 20 << 20, 30},
		{15, time.Second, 20 << 20, 30}, {30, time.Second, 20 << 20, 50},
		{30, time.Second, 80 << 20, 20}, {50, time.Second, 1 << 30, 15},
	} {
		if got := pace.next(test.before, test.took, test.live); got != test.want {
			t.Errorf("after %v at %d%% with %d MiB it is %d%%, want %d%%", test.took, test.before, test.live>>20, got, test.want)
		}
	}
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
	waste(64 << 20)
	applied <- struct{}{}
	eventually(t, "gave it back", func() bool { return measure(free)+measure(objects) < large })
	cancel()
	<-done
}

// waste has bytes used for a while.
func waste(n int) {
	sink = make([]byte, n)
	for i := range sink {
		sink[i] = 1
	}
	sink = nil
}

func TestLittleGarbageIsNotWorthACollection(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		held, allocated uint64
		want            bool
	}{{8 * mib, 80 * mib, false}, {30 * mib, mib, false}, {30 * mib, 40 * mib, true}, {100 * mib, 40 * mib, false}} {
		if got := worthwhile(test.held, test.allocated); got != test.want {
			t.Errorf("with %d MiB after %d MiB: %v", test.held/mib, test.allocated/mib, got)
		}
	}
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
