package snapshot

import (
	"hash/maphash"
	"strconv"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// MaxListeners bounds the numbers that listeners have for the metrics.
const MaxListeners = 256

// numbers gives numbers to things, such as series and listeners. A number is never
// used for something else within a process, for the counters behind it go on; what
// comes after the last one shares zero, which is nothing's own.
//
// They belong to whoever compiles. Snapshots share the list that is appended to,
// each up to its own length.
type numbers[T comparable] struct {
	// slots lead from a thing's hash to its number; zero is an empty slot, and there are
	// some. A map would have each thing once more.
	slots []uint32
	list  []T
	most  int
}

// numberSeed is one for all: what is numbered comes from configurations.
var numberSeed = maphash.MakeSeed()

func newNumbers[T comparable](most int) *numbers[T] {
	return &numbers[T]{slots: make([]uint32, 8), list: make([]T, 1), most: most}
}

func (t *numbers[T]) id(thing T) uint32 {
	slot := t.slot(thing)
	if id := t.slots[slot]; id != 0 || len(t.list) >= t.most {
		return id
	}
	id := uint32(len(t.list))
	t.slots[slot] = id
	t.list = append(t.list, thing)
	if len(t.list)*4 > len(t.slots)*3 {
		t.grow()
	}
	return id
}

// slot returns the slot of a thing, which is empty where it has no number.
func (t *numbers[T]) slot(thing T) int {
	last := len(t.slots) - 1
	at := int(maphash.Comparable(numberSeed, thing)) & last
	for t.slots[at] != 0 && t.list[t.slots[at]] != thing {
		at = (at + 1) & last
	}
	return at
}

func (t *numbers[T]) grow() {
	t.slots = make([]uint32, 2*len(t.slots))
	for id := 1; id < len(t.list); id++ {
		t.slots[t.slot(t.list[id])] = uint32(id)
	}
}

// ruleLabel names a rule: by its name, or by its index where it has none.
func ruleLabel(r *proxyconfig.Rule, index int) string {
	if r.Name != "" {
		return r.Name
	}
	return strconv.Itoa(index)
}
