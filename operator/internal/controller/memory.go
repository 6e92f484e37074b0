package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/operator/internal/beside"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
	"github.com/fleetgate/fleetgate/operator/internal/render"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// memory is what the translations of one Gateway pass on from each to the next.
type memory struct {
	resources store.Memory
	// missing are the kinds that were not there, sorted.
	missing []string
	// anew is when everything was read last, and routes how many there are.
	anew   time.Time
	routes int

	// translated is the edition that the graph was made of, and stoodIn what had stand-ins
	// in it, by their UIDs.
	translated *store.Edition
	stoodIn    map[types.UID]*culprit

	graph    graph.Memory
	rules    render.Memory
	statuses status.Memory
	// told are the routes' statuses with where they were seen, at the edition heard and
	// in the turn of these.
	told  beside.List[*status.Route, *sighting]
	turn  int
	heard *store.Edition
	// sets are what is known of the statuses of ListenerSets.
	sets map[types.NamespacedName]*setReport

	config configPace
	steady *steady
	// pods are the fleet's as they were read last, until an event tells of one; nil where
	// they are to be read.
	pods []proxies.Pod
	// certificates are stored, until an event tells of their Secrets; nil where they may
	// not be.
	certificates *certificates
}

// sighting is the version of a route that was seen to have a status; empty as long as
// none was.
type sighting struct{ version string }

// memories are those of all Gateways. It is safe for concurrent use.
type memories struct {
	mu   sync.Mutex
	kept map[types.NamespacedName]*memory
}

func newMemories() *memories { return &memories{kept: make(map[types.NamespacedName]*memory)} }

// take hands out what is remembered of a Gateway, once: whoever does not keep it
// afterwards, as something went wrong before its translation was done, has it forgotten.
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
