package heap

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// keeper keeps a pace.
type keeper struct {
	Pace

	mu sync.Mutex
	// now is the pace that is set.
	now int
	// since is when the last collection was, and allocated what had been by then.
	since     time.Time
	allocated uint64
	// calm ends a burst after which nothing is collected.
	calm *time.Timer
}

// mark is what one collection finds unused, which tells that it has happened.
type mark struct{ _ [16]byte }

// follow waits for the next collection. The mutex is held.
func (k *keeper) follow() {
	k.since, k.allocated = time.Now(), measure(allocs)
	runtime.AddCleanup(&mark{}, (*keeper).collected, k)
}

// collected sets the pace after a collection.
func (k *keeper) collected() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set(k.next(k.now, time.Since(k.since), measure(allocs)-k.allocated, measure(live)))
	k.follow()
}

// set leaves a pace that is about right: setting it stops the world. The mutex is held.
func (k *keeper) set(percent int) {
	if percent != k.now {
		debug.SetGCPercent(percent)
		k.now = percent
	}
	if k.calm != nil {
		k.calm.Stop()
	}
	if percent > k.percent(measure(live)) {
		k.calm = time.AfterFunc(k.Seldom, k.end)
	}
}

// end ends a burst, if it is one no more: what it has left is collected then.
func (k *keeper) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	percent := k.now
	if live := measure(live); !k.hurried(time.Since(k.since), measure(allocs)-k.allocated, live) {
		percent = min(percent, k.percent(live))
	}
	k.set(percent)
}
