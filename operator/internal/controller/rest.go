package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Most changes of a Gateway cost as much as what has changed, however much there is beside
// it. Some have all of it translated anew, as does a search for what panics, a dozen times:
// with thousands of routes that takes a good part of a second. Whoever goes on to make such
// changes gets a twentieth of a core for them beyond what everybody may have at once, and
// his Gateway rests meanwhile, so that others' changes find cores that are idle.
const (
	restShare   = 20
	restFree    = 250 * time.Millisecond
	longestRest = 10 * time.Second
	// fewRoutes are translated anew in no time worth speaking of. Where that seems to take
	// some, it is others who do.
	fewRoutes = 100
)

// rests know for how long each Gateway was translated lately. They are safe for concurrent
// use.
type rests struct {
	mu    sync.Mutex
	spent map[types.NamespacedName]spent
}

// spent is what is left at a moment of the time for which a Gateway was translated.
type spent struct {
	left time.Duration
	at   time.Time
}

func newRests() *rests { return &rests{spent: make(map[types.NamespacedName]spent)} }

func (s spent) since(now time.Time) time.Duration { return max(0, s.left-now.Sub(s.at)/restShare) }

// note notes for how long a Gateway was translated.
func (r *rests) note(gateway types.NamespacedName, took time.Duration, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spent[gateway] = spent{min(r.spent[gateway].since(now)+took, restFree+longestRest/restShare), now}
}

// left returns how long the Gateway is not to be looked at yet; zero or less is not at all.
func (r *rests) left(gateway types.NamespacedName, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return restShare * (r.spent[gateway].since(now) - restFree)
}

func (r *rests) forget(gateway types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.spent, gateway)
}
