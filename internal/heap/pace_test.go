package heap

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

var pace = Pace{MostPercent: 50, LeastPercent: 15, Headroom: 16 << 20, Seldom: 5 * time.Second}

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
		if got := pace.next(test.before, test.took, 0, test.live); got != test.want {
			t.Errorf("after %v at %d%% with %d MiB it is %d%%, want %d%%", test.took, test.before, test.live>>20, got, test.want)
		}
	}
}

// A heap that is filled all the time grows up to Burst, and by no more than the usual past it.
func TestABurstHasRoom(t *testing.T) {
	const mib = 1 << 20
	burst := Pace{MostPercent: 100, LeastPercent: 20, Headroom: 48 * mib, Burst: 192 * mib, Seldom: 5 * time.Second}
	for _, test := range []struct {
		took            time.Duration
		allocated, live uint64
		want            int
	}{
		{time.Second, 48 * mib, 64 * mib, 200}, {4 * time.Second, 48 * mib, 64 * mib, 200}, {12 * time.Second, 128 * mib, 64 * mib, 200},
		{8 * time.Second, 48 * mib, 64 * mib, 200}, {12 * time.Second, 48 * mib, 64 * mib, 50},
		{time.Second, 10 * mib, 10 * mib, 200}, {time.Second, 48 * mib, 100 * mib, 92}, {time.Second, 48 * mib, 160 * mib, 30}, {time.Second, 48 * mib, 480 * mib, 20},
	} {
		if got := burst.next(100, test.took, test.allocated, test.live); got != test.want {
			t.Errorf("after %v with %d of %d MiB allocated it is %d%%, want %d%%", test.took, test.allocated/mib, test.live/mib, got, test.want)
		}
	}
	burst.Burst = 0
	if got := burst.next(100, time.Second, 48*mib, 64*mib); got != 75 {
		t.Errorf("without any room it is %d%%, want 75%%", got)
	}
}

// What a burst has left does not stay until the heap is full once more.
func TestABurstEnds(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	k := &keeper{Pace: Pace{MostPercent: 100, LeastPercent: 20, Headroom: 48 << 20, Burst: 192 << 20, Seldom: 5 * time.Second}, now: 200}
	k.since, k.allocated = time.Now().Add(-k.Seldom), measure(allocs)
	k.end()
	if k.now != 100 || k.calm != nil {
		t.Errorf("the pace is %d%% when little is allocated", k.now)
	}
	k.now, k.allocated = 200, 0
	k.since = time.Now()
	k.end()
	if k.now != 200 || !k.calm.Stop() {
		t.Errorf("the pace is %d%% while much is", k.now)
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
