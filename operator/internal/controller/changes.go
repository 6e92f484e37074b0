package controller

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// changeLog keeps for each Gateway the objects that events were about since they were
// read for it last, and whether any of these was its fleet's. It is safe for concurrent use.
//
// An object is in the cache before its event is told of. So whoever takes the changes
// first, and reads the cache then, misses none: what comes in between is read twice.
type changeLog struct {
	mu sync.Mutex
	of map[types.NamespacedName]*heardOf
}

type heardOf struct {
	changes *store.Changes
	fleet   bool
}

func newChangeLog() *changeLog { return &changeLog{of: make(map[types.NamespacedName]*heardOf)} }

// note adds an object for Gateways that it touches. Nothing is kept for those that
// nobody has taken the changes of.
func (l *changeLog) note(gateways []types.NamespacedName, obj client.Object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, gateway := range gateways {
		if heard := l.of[gateway]; heard != nil {
			heard.changes.Note(obj)
		}
	}
}

// noteFleet notes that what the fleets of Gateways consist of may be something else.
func (l *changeLog) noteFleet(gateways []types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, gateway := range gateways {
		if heard := l.of[gateway]; heard != nil {
			heard.fleet = true
		}
	}
}

// take returns the changes since the last time, or nil where these are not known, with
// whether the fleet is among them, and begins to keep the next ones.
func (l *changeLog) take(gateway types.NamespacedName) (changes *store.Changes, fleet bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	heard := l.of[gateway]
	l.of[gateway] = &heardOf{changes: store.NewChanges()}
	if heard == nil {
		return nil, true
	}
	return heard.changes, heard.fleet
}

func (l *changeLog) forget(gateway types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.of, gateway)
}

// forgetAll has the changes of all Gateways be unknown: a kind has come or gone, and
// with it objects of which no event tells.
func (l *changeLog) forgetAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.of)
}
