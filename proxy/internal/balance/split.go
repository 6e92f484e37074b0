package balance

import (
	"math/bits"
	"sync/atomic"
)

// Split shares requests among items in proportion to their weights. It is
// safe for concurrent use.
//
// It walks the unit interval in steps of the golden ratio and gives each item a
// stretch as long as its weight. That sequence fills every stretch as evenly as
// any can: the share of an item differs from its weight by a few requests,
// however many there were, without a lock, a table or a random number.
//
// With the weights 90 and 10 the walk begins at 0.62, 0.24, 0.85, 0.47, 0.09,
// 0.71, 0.33, 0.94: the eighth request is the first for the second item.
type Split[T any] struct {
	items []T
	// ends are the ends of the items' stretches within total; an item of weight
	// zero has none. One item alone has no need of it.
	ends  []uint64
	total uint64
	step  atomic.Uint64
}

// golden is the fraction of the golden ratio, in units of 2^-64.
const golden = 0x9e3779b97f4a7c15

// NewSplit makes a Split of items with as many weights. Negative weights count
// as zero.
func NewSplit[T any](items []T, weights []int32) *Split[T] {
	s := &Split[T]{items: items}
	if len(items) > 1 {
		s.ends = make([]uint64, len(items))
	}
	for i := range items {
		s.total += uint64(max(0, weights[i]))
		if s.ends != nil {
			s.ends[i] = s.total
		}
	}
	return s
}

// Pick returns the item for the next request. It returns false when no item
// has a positive weight.
func (s *Split[T]) Pick() (item T, ok bool) {
	if s.total == 0 {
		return item, false
	}
	if len(s.items) == 1 {
		return s.items[0], true
	}
	at, _ := bits.Mul64(s.step.Add(1)*golden, s.total)
	for i, end := range s.ends {
		if at < end {
			return s.items[i], true
		}
	}
	panic("balance: the walk left its interval")
}

// Items returns all items, those of weight zero included. The slice must not
// be changed.
func (s *Split[T]) Items() []T { return s.items }
