package controller

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/render"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// memory is what the translations of one Gateway pass on from each to the next.
type memory struct {
	graph    graph.Memory
	rules    render.Memory
	statuses status.Memory
	told     told
}

// told are the statuses of routes that were there when they were looked at last.
type told struct {
	at map[*status.Route]sighting
	// turn counts the looks at all routes.
	turn int
}

// sighting is the version of a route that had its status, and when it was looked at.
type sighting struct {
	version string
	turn    int
}

// still says whether the route is in the state in which it had the status.
func (t *told) still(want *status.Route, version string) bool {
	seen := t.at[want]
	if seen.version == "" || seen.version != version {
		return false
	}
	t.note(want, version)
	return true
}

func (t *told) note(want *status.Route, version string) {
	if t.at == nil {
		t.at = make(map[*status.Route]sighting)
	}
	t.at[want] = sighting{version, t.turn}
}

// next begins a new look at all routes, and forgets what the last one did not see.
func (t *told) next(routes int) {
	if len(t.at) > routes {
		for want, seen := range t.at {
			if seen.turn != t.turn {
				delete(t.at, want)
			}
		}
	}
	t.turn++
}

// memories are those of all Gateways. It is safe for concurrent use.
type memories struct {
	mu   sync.Mutex
	kept map[types.NamespacedName]*memory
}

func newMemories() *memories { return &memories{kept: make(map[types.NamespacedName]*memory)} }

// take hands out what is remembered of a Gateway, once: whoever does not keep it
// afterwards, as its translation has panicked, has it forgotten.
func (m *memories) take(gateway types.NamespacedName) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.kept[gateway]
	delete(m.kept, gateway)
	if known == nil {
		known = &memory{}
	}
	return known
}

func (m *memories) keep(gateway types.NamespacedName, known *memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[gateway] = known
}

func (m *memories) forget(gateway types.NamespacedName) { m.take(gateway) }
