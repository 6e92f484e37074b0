package collect

import (
	"cmp"
	"slices"
	"time"
)

// idleAfter is how long something with a name has had nothing to count when
// another one may have its place.
const idleAfter = time.Hour

// tally is what was counted of one thing.
type tally[T any] interface {
	// merge adds what another one has.
	merge(T)
	// empty says whether there is nothing to tell.
	empty() bool
	// series is how many series it takes to tell it, at most.
	series() int
}

// book knows which things of a kind, such as routes, are told by their names: as
// many of the busiest as there is room for. All the others are told together, as
// the rest.
//
// Every counter that is told only ever grows. So what has a name keeps it as long
// as it exists, however busy others become, with two exceptions: it has long had
// nothing to count while others wait, or there is no longer room for all, when the
// least busy ones give way. Their series end; what is counted from then on is the
// rest's. What gets its name later begins at zero, and leaves to the rest what it
// had before.
type book[K comparable, T tally[T]] struct {
	blank   func(named bool) T
	compare func(a, b K) int
	// least is how many series a thing takes that has just begun.
	least int
	// nobody is the name that the rest is told by. Nothing else gets it.
	nobody K

	named map[K]*account[T]
	rest  *account[T]
	// ended had series that have ended since the last scrape. Until that is seen, a
	// new one that begins at zero would be taken for the old one.
	ended map[K]bool
}

// account is what is told under one name.
type account[T tally[T]] struct {
	all T
	// untold is the part of all that no scrape has told yet.
	untold T
	// both are what to add to: all, and for what has a name also untold.
	both []T

	// weight is how busy it was at this look, and active when it last was.
	weight uint64
	active time.Time
	// seen says that a scrape has told of it.
	seen bool
	// standing is 1 for what had its name before this look, and else 0.
	standing int
}

func newBook[K comparable, T tally[T]](nobody K, least int, compare func(a, b K) int, blank func(named bool) T) *book[K, T] {
	b := &book[K, T]{blank: blank, compare: compare, least: least, nobody: nobody}
	b.clear()
	return b
}

// clear forgets everything.
func (b *book[K, T]) clear() {
	all := b.blank(false)
	b.named, b.ended = map[K]*account[T]{}, map[K]bool{}
	b.rest = &account[T]{all: all, both: []T{all}}
}

// of returns the account that something is counted on.
func (b *book[K, T]) of(k K) *account[T] {
	if a := b.named[k]; a != nil {
		return a
	}
	return b.rest
}

// series is how many series those with names take.
func (b *book[K, T]) series() (n int) {
	for _, a := range b.named {
		n += a.all.series()
	}
	return n
}

// name gives names to the busiest that have none, while there is room.
func (b *book[K, T]) name(weights map[K]uint64, room int, now time.Time) {
	b.weigh(weights, now)
	free := room - b.series()
	if free < b.least && b.idle(now) == nil {
		return
	}
	waiting := b.waiting(weights)
	slices.SortFunc(waiting, func(x, y weighed[K]) int {
		if n := cmp.Compare(y.weight, x.weight); n != 0 {
			return n
		}
		return b.compare(x.key, y.key)
	})
	for _, w := range waiting {
		for free < b.least {
			idle := b.idle(now)
			if idle == nil {
				return
			}
			free += b.drop(*idle)
		}
		a := &account[T]{all: b.blank(true), weight: w.weight, active: now}
		b.begin(a)
		b.named[w.key] = a
		free -= b.least
	}
}

// weighed is something without a name, and how busy it is.
type weighed[K comparable] struct {
	key    K
	weight uint64
}

// weigh notes how busy those with names are.
func (b *book[K, T]) weigh(weights map[K]uint64, now time.Time) {
	for k, a := range b.named {
		a.weight, a.standing = weights[k], 1
		if a.weight > 0 {
			a.active = now
		}
	}
}

// waiting returns those without names that there is anything to tell of.
func (b *book[K, T]) waiting(weights map[K]uint64) (waiting []weighed[K]) {
	for k, weight := range weights {
		if weight > 0 && k != b.nobody && b.named[k] == nil && !b.ended[k] {
			waiting = append(waiting, weighed[K]{k, weight})
		}
	}
	return waiting
}

// idle returns the one that has had nothing to count for the longest, if that is
// long.
func (b *book[K, T]) idle(now time.Time) *K {
	return b.first(func(a *account[T]) bool { return now.Sub(a.active) >= idleAfter }, func(x, y *account[T]) int {
		return x.active.Compare(y.active)
	})
}

// trim takes names until the rest of them has room, first those that were just
// given. It says whether it took any.
func (b *book[K, T]) trim(room int) bool {
	taken := b.series()
	trimmed := taken > room
	for taken > room && len(b.named) > 0 {
		least := b.first(func(*account[T]) bool { return true }, func(x, y *account[T]) int {
			return cmp.Or(cmp.Compare(x.standing, y.standing), cmp.Compare(x.weight, y.weight), x.active.Compare(y.active))
		})
		taken -= b.drop(*least)
	}
	return trimmed
}

// first returns the first of those with names that match, in an order.
func (b *book[K, T]) first(match func(*account[T]) bool, order func(x, y *account[T]) int) *K {
	var found *K
	for k, a := range b.named {
		if match(a) && (found == nil || cmp.Or(order(a, b.named[*found]), b.compare(k, *found)) < 0) {
			found = &k
		}
	}
	return found
}

// drop takes a name away, and returns how many series that ends. What no scrape has
// told of it is the rest's.
func (b *book[K, T]) drop(k K) int {
	a := b.named[k]
	b.rest.all.merge(a.untold)
	b.ended[k] = a.seen
	delete(b.named, k)
	return a.all.series()
}

// keep drops what does not exist any more.
func (b *book[K, T]) keep(exists func(K) bool) {
	for k := range b.named {
		if !exists(k) {
			b.drop(k)
		}
	}
}

// restSeries is how many series the rest takes.
func (b *book[K, T]) restSeries() int {
	if b.rest.all.empty() {
		return 0
	}
	return b.rest.all.series()
}

// tell calls fn with what is to be told under each name.
func (b *book[K, T]) tell(fn func(K, T)) {
	for k, a := range b.named {
		fn(k, a.all)
		a.seen = true
		b.begin(a)
	}
	fn(b.nobody, b.rest.all)
	clear(b.ended)
}

// begin has what is counted from now on be untold.
func (b *book[K, T]) begin(a *account[T]) {
	a.untold = b.blank(true)
	a.both = []T{a.all, a.untold}
}
