package controller

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// changeLog keeps for each Gateway the objects that events were about since they were
// read for it last, and whether its fleet or pods were. It is safe for concurrent use.
//
// An object is in the cache before its event is told of. So whoever takes the changes
// first, and reads the cache then, misses none: what comes in between is read twice.
type changeLog struct {
	mu sync.Mutex
	of map[types.NamespacedName]*heardOf
}

// heardOf is what events were about: objects that are collected, or nil where these are not
// known, and what a fleet consists of, or its pods.
type heardOf struct {
	changes     *store.Changes
	fleet, pods bool
}

func newChangeLog() *changeLog { return &changeLog{of: make(map[types.NamespacedName]*heardOf)} }

// note adds an object for Gateways that it touches. Nothing is kept for those that
// nobody has taken the changes of.
func (l *changeLog) note(gateways []types.NamespacedName, obj client.Object) {
	l.hear(gateways, func(h *heardOf) { h.changes.Note(obj) })
}

// noteFleet notes that what the fleets of Gateways consist of may be something else.
func (l *changeLog) noteFleet(gateways []types.NamespacedName) {
	l.hear(gateways, func(h *heardOf) { h.fleet = true })
}

// notePods notes that the pods of Gateways' fleets may be others, or in another state.
func (l *changeLog) notePods(gateways []types.NamespacedName) {
	l.hear(gateways, func(h *heardOf) { h.pods = true })
}

func (l *changeLog) hear(gateways []types.NamespacedName, of func(*heardOf)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, gateway := range gateways {
		if h := l.of[gateway]; h != nil {
			of(h)
		}
	}
}

// take returns what was heard of since the last time, and begins to keep what comes next.
func (l *changeLog) take(gateway types.NamespacedName) heardOf {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.of[gateway]
	l.of[gateway] = &heardOf{changes: store.NewChanges()}
	if last == nil {
		return heardOf{fleet: true, pods: true}
	}
	return *last
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
