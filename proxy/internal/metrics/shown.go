package metrics

import (
	"cmp"
	"slices"
	"time"
)

// idleAfter is how long something with a name has had no request when another one
// may have its place.
const idleAfter = time.Hour

// figures are what is exported under one name.
type figures[T any] interface {
	*T
	add(*T)
	sub(*T)
	// requests is how many there were, and series how many series they take.
	requests() uint64
	series() int
}

// shown decides what is exported by its name: of those that have requests the
// busiest, as far as there is room. All others are exported together, as the rest.
//
// Every exported series only ever grows. So what has a name keeps it as long as it
// exists, with two exceptions: it has long had no request while others wait, or there
// is no longer room for all, when the least busy ones give way. Their series end;
// what comes after is the rest's. What gets its name later begins at zero, with what
// it had before left in the rest.
type shown[K comparable, T any, P figures[T]] struct {
	compare func(a, b K) int
	named   map[K]*entry[T]
	rest    T
	// seen is what the last update has had of each.
	seen map[K]T
}

// entry is what is exported by a name. added came with this update.
type entry[T any] struct {
	all, added T
	weight     uint64
	active     time.Time
	fresh      bool
}

func newShown[K comparable, T any, P figures[T]](compare func(a, b K) int) *shown[K, T, P] {
	return &shown[K, T, P]{compare: compare, named: map[K]*entry[T]{}, seen: map[K]T{}}
}

// update takes what everything has in all, which only grows. exists says what is part
// of the configuration, room how many series there may be.
func (s *shown[K, T, P]) update(all map[K]*T, exists func(K) bool, room int, now time.Time) {
	for k, e := range s.named {
		if !exists(k) {
			delete(s.named, k)
			continue
		}
		*e = entry[T]{all: e.all, active: e.active}
	}
	waiting := s.count(all, exists, now)
	slices.SortFunc(waiting, func(a, b candidate[K, T]) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), s.compare(a.key, b.key))
	})
	used := 0
	for _, e := range s.named {
		used += s.cost(e)
	}
	for _, c := range waiting {
		used += s.name(&c, room-used-P(&s.rest).series(), now)
	}
	for used+P(&s.rest).series() > room && len(s.named) > 0 {
		used -= s.drop(s.least())
	}
	for _, e := range s.named {
		P(&e.all).add(&e.added)
	}
}

// candidate has requests and no name.
type candidate[K comparable, T any] struct {
	key K
	entry[T]
}

// count finds what has come since the last update.
func (s *shown[K, T, P]) count(all map[K]*T, exists func(K) bool, now time.Time) (waiting []candidate[K, T]) {
	for k, t := range all {
		added, seen := *t, s.seen[k]
		s.seen[k] = added
		P(&added).sub(&seen)
		weight := P(&added).requests()
		switch e := s.named[k]; {
		case weight == 0:
		case e != nil:
			e.added, e.weight, e.active = added, weight, now
		case exists(k):
			waiting = append(waiting, candidate[K, T]{k, entry[T]{added: added, weight: weight, active: now, fresh: true}})
		default:
			P(&s.rest).add(&added)
		}
	}
	return waiting
}

// name gives a name where there is room, or where something idle makes room, and
// returns how many series that has added.
func (s *shown[K, T, P]) name(c *candidate[K, T], free int, now time.Time) (added int) {
	cost := s.cost(&c.entry)
	for cost > free-added {
		idle := s.idle(now)
		if idle == nil {
			P(&s.rest).add(&c.added)
			return added
		}
		added -= s.drop(*idle)
	}
	e := c.entry
	s.named[c.key] = &e
	return added + cost
}

func (s *shown[K, T, P]) cost(e *entry[T]) int {
	sum := e.all
	P(&sum).add(&e.added)
	return P(&sum).series()
}

// drop takes a name away, and returns how many series that ends.
func (s *shown[K, T, P]) drop(k K) int {
	e := s.named[k]
	P(&s.rest).add(&e.added)
	delete(s.named, k)
	return s.cost(e)
}

// idle returns one that has had no request for long.
func (s *shown[K, T, P]) idle(now time.Time) *K {
	for k, e := range s.named {
		if now.Sub(e.active) >= idleAfter {
			return &k
		}
	}
	return nil
}

// least returns the one that gives way first: among those that were just named, or
// else among all, the least busy one.
func (s *shown[K, T, P]) least() (least K) {
	var found *entry[T]
	for k, e := range s.named {
		if found == nil || before(e, found) || !before(found, e) && s.compare(k, least) > 0 {
			found, least = e, k
		}
	}
	return least
}

// before says whether a gives way before b.
func before[T any](a, b *entry[T]) bool {
	if a.fresh != b.fresh {
		return a.fresh
	}
	return cmp.Or(cmp.Compare(a.weight, b.weight), a.active.Compare(b.active)) < 0
}

func compareLabels(a, b label) int {
	return cmp.Or(cmp.Compare(a.listener, b.listener), cmp.Compare(a.route, b.route))
}
