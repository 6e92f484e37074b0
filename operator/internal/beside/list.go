package beside

import (
	"iter"
	"slices"
)

// List has something of type V beside each node of a list. The zero value has nothing.
// It is not safe for concurrent use.
type List[N comparable, V any] struct {
	entries []entry[N, V]
	// spare is the memory of the list before, for the next one.
	spare []entry[N, V]
}

type entry[N, V any] struct {
	node N
	of   V
}

// Next begins the list that takes the place of this one, with room for so many nodes.
// Both are in the order of compare.
func (l *List[N, V]) Next(nodes int, compare func(a, b N) int) *Walk[N, V] {
	now := l.spare
	if l.spare = nil; cap(now) < nodes || cap(now)/2 > nodes {
		now = make([]entry[N, V], 0, nodes+nodes/8)
	}
	return &Walk[N, V]{before: l.entries, now: now, compare: compare}
}

// Keep makes what was walked the list.
func (l *List[N, V]) Keep(w *Walk[N, V]) {
	for len(w.before) > 0 {
		w.leave()
	}
	// What is not there any more is not to be kept by memory that waits.
	clear(l.entries)
	l.entries, l.spare = w.now, l.entries[:0]
}

// Values visits what is beside the nodes, in their order.
func (l *List[N, V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) {
		for i := range l.entries {
			if !yield(l.entries[i].of) {
				return
			}
		}
	}
}

// Find returns what is beside a node that may be in the list.
func (l *List[N, V]) Find(node N, compare func(a, b N) int) (of V, found bool) {
	at, found := slices.BinarySearchFunc(l.entries, node, func(e entry[N, V], node N) int { return compare(e.node, node) })
	if !found || l.entries[at].node != node {
		return of, false
	}
	return l.entries[at].of, true
}

// Forget drops everything.
func (l *List[N, V]) Forget() { *l = List[N, V]{} }

// Walk goes through a list beside the one before.
type Walk[N comparable, V any] struct {
	before, now []entry[N, V]
	compare     func(a, b N) int
	// Left, where it is not nil, is told of the nodes that are no more before any node
	// that comes after them, or takes their place, and at last by Keep.
	Left func(node N, of V)
}

// At returns what is beside a node, or what create returns of one that was not there
// before. Nodes are asked for in order, each once.
func (w *Walk[N, V]) At(node N, create func(N) V) V {
	for len(w.before) > 0 && w.before[0].node != node && w.compare(w.before[0].node, node) <= 0 {
		w.leave()
	}
	next := entry[N, V]{node: node}
	if len(w.before) > 0 && w.before[0].node == node {
		next, w.before = w.before[0], w.before[1:]
	} else {
		next.of = create(node)
	}
	w.now = append(w.now, next)
	return next.of
}

// leave passes over the first node of before.
func (w *Walk[N, V]) leave() {
	if w.Left != nil {
		w.Left(w.before[0].node, w.before[0].of)
	}
	w.before = w.before[1:]
}
