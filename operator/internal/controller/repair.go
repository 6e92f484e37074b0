package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// repairShown is how long the status tells of a configuration that was mended.
// The mending takes milliseconds; whoever caused it, or looks for a cause, comes
// later.
const repairShown = 10 * time.Minute

// repairs remembers what was mended lately, for each Gateway. It is safe for
// concurrent use.
type repairs struct {
	mu   sync.Mutex
	last map[types.NamespacedName]repair
}

type repair struct {
	text  string
	until time.Time
}

func newRepairs() *repairs { return &repairs{last: make(map[types.NamespacedName]repair)} }

// happened notes a repair at the time now.
func (r *repairs) happened(gateway types.NamespacedName, text string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[gateway] = repair{text, now.Add(repairShown)}
}

// recent returns what the status is to tell and for how much longer, or nothing.
func (r *repairs) recent(gateway types.NamespacedName, now time.Time) (text string, left time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if left = r.last[gateway].until.Sub(now); left <= 0 {
		delete(r.last, gateway)
		return "", 0
	}
	return r.last[gateway].text, left
}

func (r *repairs) forget(gateway types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.last, gateway)
}
