package controller

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// recent keeps a value of each object for a span of time at least, and for twice that at
// most: nobody has to take out what is of no interest any more. It is not safe for concurrent
// use.
type recent[V any] struct {
	span time.Duration
	// young are the values since turned, and old those of the turn before.
	young, old map[types.NamespacedName]V
	turned     time.Time
}

func newRecent[V any](span time.Duration) recent[V] {
	return recent[V]{span: span, young: make(map[types.NamespacedName]V)}
}

// turn forgets what is too old. It is called before put.
func (r *recent[V]) turn(now time.Time) {
	if now.Sub(r.turned) > r.span {
		r.young, r.old, r.turned = make(map[types.NamespacedName]V), r.young, now
	}
}

func (r *recent[V]) put(key types.NamespacedName, value V) { r.young[key] = value }

func (r *recent[V]) find(key types.NamespacedName) (value V, known bool) {
	if value, known = r.young[key]; !known {
		value, known = r.old[key]
	}
	return value, known
}

// renew makes the value of an object one that was just put, so that it is kept once.
func (r *recent[V]) renew(key types.NamespacedName) (value V) {
	value, _ = r.find(key)
	delete(r.old, key)
	r.young[key] = value
	return value
}

// size is how many values are kept.
func (r *recent[V]) size() int { return len(r.young) + len(r.old) }
